/** The four questions that everybody asks first, each answered in a line from the analyses. */

import type { AnalysesAnswer, MetricReading } from '../api/types';
import { approximate } from '../format/decimal';
import type { Formatter } from '../format/formatter';
import { readingText, valueText } from '../format/reading';
import { byValue } from './spread';
import { why } from './why';
import type { Words } from './words';

export interface Verdict {
  /** The question of the page that says more. */
  question: string;
  title: string;
  answer: string;
  detail: string;
  tone: 'good' | 'bad' | 'neutral' | 'unknown';
}

/** With the reading that has no value, where that is the answer. */
interface Found extends Verdict {
  unknown?: MetricReading | undefined;
}

type Read = (metric: string) => MetricReading[];

export function verdictsOf(analyses: AnalysesAnswer, words: Words, formatter: Formatter): Verdict[] {
  const read: Read = (metric) => analyses.readings.filter((reading) => reading.metric === metric);
  const verdicts = [winWin(read, formatter), fair(read, words, formatter), robust(read, words, formatter), reinforcing(read, words, formatter)];
  return verdicts.map(({ unknown, ...verdict }) => ({
    ...verdict,
    detail: unknown?.reason ? why(unknown, analyses.windows) : verdict.detail,
  }));
}

function winWin(read: Read, formatter: Formatter): Found {
  const base = { question: 'fair', title: 'Win-win' };
  const [whole, part] = [read('m18')[0], read('m18.part')[0]];
  if (whole?.value == null) return unknown(base, whole);
  const satisfied = part === undefined ? null : formatter.part(part);
  const detail = satisfied === null ? '' : `${satisfied} of the nodes gain and get where they want to`;
  return approximate(whole.value) === 1
    ? { ...base, answer: 'Yes', detail: 'everybody gains and gets where it wants to', tone: 'good' }
    : { ...base, answer: 'Not for all', detail, tone: 'bad' };
}

function fair(read: Read, words: Words, formatter: Formatter): Found {
  const base = { question: 'fair', title: 'Fair' };
  const [fairness, gap] = [read('m16')[0], read('m17')[0]];
  if (fairness?.value == null) return unknown(base, fairness);
  const answer = `${readingText(fairness, formatter)} of 1`;
  const scale = '1 where all capture what they contribute';
  if (gap?.value == null) return { ...base, answer, detail: scale, tone: 'neutral' };
  if (approximate(gap.value) <= 0) return { ...base, answer, detail: `${scale}; nobody would gain by leaving with others`, tone: 'neutral' };
  const members = read('m17.coalition').filter(({ value }) => value === '1');
  const names = members.map((member) => words.of(member)).join(', ') || 'some';
  return { ...base, answer, detail: `${names} would gain ${readingText(gap, formatter)} by going on without the rest`, tone: 'bad' };
}

function robust(read: Read, words: Words, formatter: Formatter): Found {
  const base = { question: 'robust', title: 'Robust' };
  const [left] = read('m25');
  if (left?.value == null) return unknown(base, left);
  const isNone = approximate(left.value) === 0;
  const answer = isNone ? 'Nothing left' : `${formatter.number('wholePercent', left.value)} left`;
  const [worst] = read('m24').sort(byValue);
  const loss = worst?.value == null ? '' : `; ${valueText(worst.value, worst.unit, formatter)} would go without ${words.of(worst)}`;
  return { ...base, answer, detail: `after the worst loss of a node that can be replaced${loss}`, tone: isNone ? 'bad' : 'neutral' };
}

function reinforcing(read: Read, words: Words, formatter: Formatter): Found {
  const base = { question: 'reinforcing', title: 'Self-reinforcing' };
  const loops = read('m22').sort(byValue);
  const [best] = loops;
  if (best?.value == null) return unknown(base, best, read('m19').length === 0 ? 'no value goes round in a loop' : undefined);
  const low = read('m22.low').find(({ of }) => of.join() === best.of.join());
  const sure = low?.value != null && approximate(low.value) > 1;
  const grows = approximate(best.value) > 1;
  const detail = grows && !sure ? ', but it may be chance' : '';
  return {
    ...base,
    answer: `×${readingText(best, formatter)} a turn`,
    detail: `${words.of(best)}${detail}`,
    tone: sure ? 'good' : 'neutral',
  };
}

function unknown(base: Pick<Verdict, 'question' | 'title'>, reading: MetricReading | undefined, detail = ''): Found {
  return { ...base, answer: 'Not known', detail, tone: 'unknown', unknown: reading };
}
