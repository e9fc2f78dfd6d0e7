/** Why a figure has no value, in words. */
export function reasonText(reason: string | null | undefined): string {
  switch (reason) {
    case 'no_flow':
      return 'nothing flowed yet';
    case 'not_positive':
      return 'no positive total to divide by';
    case 'too_few_windows':
      return 'too little history yet';
    case 'not_declared':
      return 'the design does not say';
    case 'not_given':
      return 'not known here';
    case 'too_large':
      return 'too many nodes to compute';
    default:
      return 'no value';
  }
}
