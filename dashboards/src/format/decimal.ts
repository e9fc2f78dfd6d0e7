/** Decimal strings as the API sends them: exact where people compare or add, approximate where pixels are drawn. */

const pattern = /^(-?)(\d+)(?:\.(\d+))?$/;

interface Scaled {
  /** The digits as an integer; the value is digits × 10^−scale. */
  digits: bigint;
  scale: number;
}

/** Adds decimal strings exactly; the result keeps the most decimals of any of them. */
export function sumDecimals(texts: readonly string[]): string {
  const numbers = texts.map(parse);
  const scale = Math.max(0, ...numbers.map((number) => number.scale));
  const total = numbers.reduce((sum, number) => sum + rescale(number, scale), 0n);
  return write({ digits: total, scale });
}

/** Negative, zero or positive as `left` is less than, equal to or greater than `right`; exact. */
export function compareDecimals(left: string, right: string): number {
  const [a, b] = [parse(left), parse(right)];
  const scale = Math.max(a.scale, b.scale);
  const difference = rescale(a, scale) - rescale(b, scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** `left` − `right`, exact. */
export function subtractDecimals(left: string, right: string): string {
  return sumDecimals([left, right.startsWith('-') ? right.slice(1) : `-${right}`]);
}

/** A binary approximation for widths, positions and relative changes; never for a figure that is shown as money. */
export function approximate(text: string): number {
  return Number(text);
}

function parse(text: string): Scaled {
  const match = pattern.exec(text);
  if (match === null) throw new RangeError(`not a decimal: ${JSON.stringify(text)}`);
  const fraction = match[3] ?? '';
  const digits = BigInt(`${match[2]}${fraction}`);
  return { digits: match[1] === '-' ? -digits : digits, scale: fraction.length };
}

function rescale(number: Scaled, scale: number): bigint {
  return number.digits * 10n ** BigInt(scale - number.scale);
}

function write({ digits, scale }: Scaled): string {
  const sign = digits < 0n ? '-' : '';
  const text = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, '0');
  return scale === 0 ? sign + text : `${sign}${text.slice(0, -scale)}.${text.slice(-scale)}`;
}
