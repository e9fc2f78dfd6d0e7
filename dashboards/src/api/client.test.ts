import { expect, test } from 'vitest';

import { problemOf } from './client';

const answer = (status: number, body: unknown): Response => new Response(JSON.stringify(body), { status });

test.each([
  [401, 'signed_out'],
  [404, 'not_found'],
  [422, 'refused'],
  [503, 'refused'],
])('status %i is %s', async (status, kind) => {
  const problem = await problemOf(answer(status, { title: 'No', detail: 'Do this.' }));
  expect([problem.kind, problem.message, problem.detail, problem.measuredSince]).toEqual([kind, 'No', 'Do this.', null]);
});

test('a time that was not measured whole says since when it is', async () => {
  const since = '2026-05-01T00:15:00Z';
  const problem = await problemOf(answer(422, { title: 'Not measured', detail: '', meter: 'energy', measured_since: since }));
  expect([problem.kind, problem.measuredSince]).toEqual(['not_measured', since]);
});

test('what is no problem document still becomes words', async () => {
  const problem = await problemOf(new Response('<html>', { status: 502 }));
  expect([problem.kind, problem.message]).toEqual(['refused', 'The server answered with status 502']);
});
