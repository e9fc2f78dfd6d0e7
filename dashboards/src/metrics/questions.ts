/** The questions that the metrics answer, and which metric answers which. */

import type { MetricInfo } from '../api/types';

export interface Question {
  /** Also the anchor on the page. */
  id: string;
  question: string;
  /** A word or two for the list of contents. */
  short: string;
  /** The pillar of the value design that it is about. */
  pillar: string;
  /** Ids of the catalogue in the order of the page; one without a dot stands for its other readings too. */
  metrics: readonly string[];
}

const questions: readonly Question[] = [
  {
    id: 'created',
    question: 'How much value is created, and who captures it?',
    short: 'Value created',
    pillar: 'Value nodes',
    metrics: ['m1', 'm2', 'm3', 'm4', 'm45.productivity', 'm31', 'm30.value', 'm30'],
  },
  {
    id: 'earned',
    question: 'Who earns the money?',
    short: 'Money earned',
    pillar: 'Value extract',
    metrics: ['m6', 'm7', 'm8', 'm9', 'm10', 'm32', 'm33', 'm34', 'm49'],
  },
  {
    id: 'fair',
    question: 'Is it win-win and fair?',
    short: 'Win-win and fair',
    pillar: 'Value nodes',
    metrics: ['m18', 'm16', 'm14', 'm5', 'm15', 'm17'],
  },
  {
    id: 'wanted',
    question: 'Do they get what they want, and want the same?',
    short: 'Drivers',
    pillar: 'Value drivers',
    metrics: ['m28', 'm27', 'm29'],
  },
  {
    id: 'given',
    question: 'Do they give as they take?',
    short: 'Give and take',
    pillar: 'Value exchanges',
    metrics: ['m12', 'm11', 'm13', 'm40', 'm41'],
  },
  {
    id: 'reinforcing',
    question: 'Is it self-reinforcing?',
    short: 'Self-reinforcing',
    pillar: 'The design as a whole',
    metrics: ['m22', 'm19', 'm20', 'm21', 'm44', 'm23'],
  },
  {
    id: 'robust',
    question: 'Is it robust?',
    short: 'Robust',
    pillar: 'The design as a whole',
    metrics: ['m25', 'm26', 'm24', 'm43', 'm42', 'm45'],
  },
  {
    id: 'designed',
    question: 'Does it do what the design draws?',
    short: 'As designed',
    pillar: 'Value exchanges',
    metrics: ['m36', 'm46', 'm37'],
  },
  {
    id: 'other-design',
    question: 'What if the design were another one?',
    short: 'What if',
    pillar: 'The design as a whole',
    metrics: ['m38', 'm39'],
  },
  {
    id: 'sure',
    question: 'How sure are these figures?',
    short: 'How sure',
    pillar: 'Evidence',
    metrics: ['m35', 'm47', 'm48', 'm30.unvalued', 'm30.high', 'm30.low', 'm30.perceived', 'm30.perceived-exchange'],
  },
];

/** Where a metric goes that no question names: newer servers may know more than this page. */
const others: Question = { id: 'others', question: 'What else is measured?', short: 'Others', pillar: 'Others', metrics: [] };

/** The question with the metrics of the catalogue that answer it, in order. */
export interface Answered extends Question {
  infos: readonly MetricInfo[];
}

/** Every metric of the catalogue once, under its question. */
export function answered(catalogue: readonly MetricInfo[]): Answered[] {
  const named = new Set(questions.flatMap(({ metrics }) => metrics));
  const nameOf = ({ id }: MetricInfo): string => (named.has(id) ? id : familyOf(id));
  const found = questions.map((question) => ({
    ...question,
    infos: question.metrics.flatMap((name) => catalogue.filter((info) => nameOf(info) === name)),
  }));
  const rest = catalogue.filter((info) => !named.has(nameOf(info)));
  return [...found, { ...others, infos: rest }].filter(({ infos }) => infos.length > 0);
}

/** The metric that an id is a reading of: "m20" for "m20.all". */
export function familyOf(id: string): string {
  return id.split('.', 1)[0] ?? id;
}
