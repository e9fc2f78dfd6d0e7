import { describe, expect, test } from 'vitest';

import type { Basis, EcosystemInfo, Level, MetricInfo, MetricReading } from '../api/types';
import { changeOfReading } from '../format/change';
import { Formatter } from '../format/formatter';
import { readingText } from '../format/reading';
import { answered } from './questions';
import { groupedBy, mayBeRead, readingOf, rowsOf, type Focus } from './rows';
import { barOf, byValue, spreadText } from './spread';
import { why } from './why';
import { Words } from './words';

const english = new Formatter('EUR', 'en-IE');
const plain = (text: string | null): string => (text ?? '').replace(/[\u00a0\u202f]/g, ' ');

const info = (id: string, basis: Basis | null = null, more: Partial<MetricInfo> = {}): MetricInfo => ({
  id,
  name: `Name of ${id}`,
  formula: '',
  unit: 'money',
  group: 'fast',
  levels: ['node', 'design'],
  explanation: '',
  basis,
  direction: 'higher',
  source: null,
  ...more,
});

const reading = (metric: string, level: Level, of: string[], value: string | null, more: Partial<MetricReading> = {}): MetricReading => ({
  metric,
  level,
  of,
  value,
  unit: 'EUR',
  reason: value === null ? 'no_flow' : null,
  previous: null,
  ...more,
});

describe('questions', () => {
  const catalogue = ['m1', 'm30', 'm30.value', 'm30.low', 'm45.productivity', 'm45.niches', 'm99', 'm99.all'].map((id) => info(id));
  const sections = answered(catalogue);
  const idsOf = (name: string): string[] => sections.find(({ id }) => id === name)?.infos.map(({ id }) => id) ?? [];

  test('name every metric of the catalogue once, also one that the page has never heard of', () => {
    expect(sections.flatMap(({ infos }) => infos.map(({ id }) => id)).sort()).toEqual(catalogue.map(({ id }) => id).sort());
    expect(idsOf('others')).toEqual(['m99', 'm99.all']);
  });

  test('may take one reading of a metric from its family', () => {
    expect(idsOf('created')).toEqual(['m1', 'm45.productivity', 'm30.value', 'm30']);
    expect(idsOf('robust')).toEqual(['m45.niches']);
    expect(idsOf('sure')).toEqual(['m30.low']);
  });
});

describe('rows', () => {
  test('put money only and all value beside each other, under the name of the plain one', () => {
    const rows = rowsOf([info('m2', 'all'), info('m2.money', 'money'), info('m9', 'money'), info('m9.normalised', 'money'), info('m9.all', 'all'), info('m9.all-normalised', 'all')]);
    expect(rows.map(({ id, infos }) => [id, infos.money?.id, infos.all?.id])).toEqual([
      ['m2', 'm2.money', 'm2'],
      ['m9', 'm9', 'm9.all'],
      ['m9.normalised', 'm9.normalised', 'm9.all-normalised'],
    ]);
  });

  test('keep what counts no value apart', () => {
    const rows = rowsOf([info('m30'), info('m30.value', 'all'), info('m47.all')]);
    expect(rows.map(({ id, infos }) => [id, Object.keys(infos)])).toEqual([
      ['m30', ['none']],
      ['m30.value', ['all']],
      ['m47.all', ['none']],
    ]);
  });
});

describe('a reading', () => {
  const readings = [
    reading('m1', 'design', [], '10'),
    reading('m1', 'node', ['hub'], '4'),
    reading('m1', 'node', ['city'], null),
    reading('m1', 'exchange', ['fee'], '3'),
    reading('m1', 'exchange', ['data'], '7'),
    reading('m40', 'pair', ['city', 'hub'], '50'),
  ];
  const of = (metric: string): MetricReading[] => groupedBy(readings, (each) => each.metric).get(metric) ?? [];
  const hub: Focus = { nodes: new Set(['hub']), exchanges: new Set(['fee']) };

  test('of the whole is of the design, and its parts are nodes and exchanges', () => {
    const found = readingOf(info('m1', 'all'), of('m1'), null);
    expect(found?.whole?.value).toBe('10');
    expect(found?.parts).toHaveLength(4);
    expect(found?.peers.map(({ of }) => of[0])).toEqual(['hub']);
  });

  test('of one node has its own exchanges and pairs only', () => {
    expect(readingOf(info('m1', 'all'), of('m1'), hub)?.whole?.value).toBe('4');
    expect(readingOf(info('m1', 'all'), of('m1'), hub)?.parts.map(({ of }) => of)).toEqual([['fee']]);
    expect(readingOf(info('m40', 'all'), of('m40'), hub)).toMatchObject({ whole: null, parts: [{ of: ['city', 'hub'] }] });
    expect(readingOf(info('m40', 'all'), of('m40'), { nodes: new Set(['host']), exchanges: new Set() })).toBeNull();
  });

  test('of one node is not to be waited for where a metric is of the design alone', () => {
    expect(mayBeRead(info('m16', 'all', { levels: ['extract', 'design'] }), hub)).toBe(false);
    expect(mayBeRead(info('m16', 'all', { levels: ['extract', 'design'] }), null)).toBe(true);
  });

  test('that is not zero does not look like zero', () => {
    expect(plain(readingText(reading('m1', 'design', [], '0.000012'), english))).toBe('€0.000012');
    expect(plain(readingText(reading('m4', 'node', ['hub'], '-0.00034', { unit: 'ratio' }), english))).toBe('-0.00034');
    expect(plain(readingText(reading('m4', 'node', ['hub'], '0', { unit: 'ratio' }), english))).toBe('0.00');
    expect(plain(readingText(reading('m15', 'node', ['hub'], '1.5', { unit: 'pp' }), english))).toBe('1.50 pp');
    expect(plain(readingText(reading('m48', 'design', [], '0.004', { unit: 's' }), english))).toBe('0.004s');
    expect(readingText(reading('m18', 'design', [], '0', { unit: 'truth' }), english)).toBe('no');
    expect(readingText(reading('m1', 'design', [], null), english)).toBeNull();
  });

  test('is better or worse as the catalogue says', () => {
    const risen = reading('m9', 'design', [], '2900', { unit: 'points', previous: '2800' });
    expect(changeOfReading(risen, info('m9', 'money', { direction: 'lower' }), english)).toEqual({ direction: 'up', text: '100', tone: 'bad' });
    expect(changeOfReading(risen, info('m9', 'money', { direction: null }), english)?.tone).toBe('neutral');
    expect(changeOfReading(reading('m1', 'design', [], '3', { previous: null }), info('m1', 'all'), english)).toBeNull();
  });

  test('that is missing says why in the words of its metric', () => {
    expect(why({ metric: 'm39.pareto', reason: 'not_given' }, 30)).toBe('takes another design to compare with');
    expect(why({ metric: 'm22', reason: 'too_few_windows' }, 4)).toBe('takes 30 windows, there are 4');
    expect(why({ metric: 'm1', reason: 'no_flow' }, null)).toBe('nothing flowed yet');
  });
});

describe('names', () => {
  const participants = [
    { id: 'roam-hub', name: 'Roam Hub', roles: ['hub'] },
    { id: 'mall', name: 'Mall', roles: ['host'] },
    { id: 'library', name: 'Library', roles: ['host'] },
  ];
  const ecosystem = { participants } as unknown as EcosystemInfo;
  const roles = { hub: 'Roaming hub', host: 'Site host' };
  const answers = [{ names: { node: roles, driver: { income: 'Income of the site' } } }, null, { names: { loop: roles } }];
  const words = new Words(ecosystem, 'role', answers);

  test('are those of the answers; a role has who alone fills it besides', () => {
    expect(words.of(reading('m2', 'node', ['hub'], '1'))).toBe('Roaming hub (Roam Hub)');
    expect(words.of(reading('m2', 'node', ['host'], '1'))).toBe('Site host');
    expect(words.of(reading('m27', 'driver', ['income'], '1'))).toBe('Income of the site');
    expect(words.of(reading('m19', 'loop', ['host', 'hub'], '1'))).toBe('Site host → Roaming hub (Roam Hub) → Site host');
  });
});

describe('many readings', () => {
  const some = [reading('m2', 'node', ['a'], '-3'), reading('m2', 'node', ['b'], null), reading('m2', 'node', ['c'], '1')];

  test('in a line are their least and greatest', () => {
    expect(plain(spreadText(some, english))).toBe('-€3.00 to €1.00');
    expect(spreadText([reading('m2', 'node', ['b'], null)], english)).toBeNull();
    const truths = ['1', '0', '0'].map((value) => reading('m17.coalition', 'node', ['a'], value, { unit: 'truth' }));
    expect(spreadText(truths, english)).toBe('1 of 3');
  });

  test('are in order with those without a value last, and have bars from zero', () => {
    expect([...some].sort(byValue).map(({ value }) => value)).toEqual(['1', '-3', null]);
    expect(barOf('-3', some)).toEqual({ left: 0, width: 75 });
    expect(barOf('1', some)).toEqual({ left: 75, width: 25 });
  });
});
