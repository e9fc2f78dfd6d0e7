import { expect, test } from 'vitest';

import { home, readPlace, writePlace, type Place } from './place';

test('a place survives the way through the address bar', () => {
  const place: Place = {
    ecosystem: 'ev',
    page: 'metrics',
    window: '30d',
    view: 'city-charge',
    hidden: ['data', 'benefit'],
    table: true,
    zoom: 'role',
  };
  expect(readPlace(writePlace(place))).toEqual(place);
});

test('home has no query', () => {
  expect(writePlace(home)).toBe('');
  expect(readPlace('')).toEqual(home);
});

test('unknown and malformed parts fall back instead of reaching the server', () => {
  expect(readPlace('?page=admin&zoom=street&window=1y&view=../admin&hide=money,love&ecosystem=%00')).toEqual({ ...home, hidden: ['money'] });
});

test('two ways to the same place give the same link', () => {
  expect(writePlace({ ...home, hidden: ['benefit', 'money'] })).toBe(writePlace({ ...home, hidden: ['money', 'benefit'] }));
});
