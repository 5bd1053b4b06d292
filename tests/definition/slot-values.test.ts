import { slotNameOf, slotValue } from '../../definition/slot-values.ts';

const slot = { utc: '2027-03-31T23:30:00.000Z', local: '2027-03-31T18:30:00-05:00' };

test.each([
  ['date', '2027-03-31'],
  ['time', '18:30:00'],
  ['local', '2027-03-31T18:30:00-05:00'],
  ['utc', '2027-03-31T23:30:00.000Z'],
  ['date-1d', '2027-03-30'],
  ['date+1d', '2027-04-01'],
  ['date-31d', '2027-02-28'],
  ['date+2w', '2027-04-14'],
  // A month has at most its own last day.
  ['date-1m', '2027-02-28'],
  ['date+1m', '2027-04-30'],
  ['date-37m', '2024-02-29'],
  ['date+0m', '2027-03-31'],
])('${slot.%s} is %s', (name, value) => {
  expect(slotValue(name, slot)).toBe(value);
});

test.each([
  'dat',
  'date-1',
  'date-1h',
  'date--1d',
  'date-1d-1d',
  'date-12345d',
  'Date',
  'slot',
  '',
])('${slot.%s} is nothing', (name) => {
  expect([slotValue(name, slot), slotNameOf(`slot.${name}`)]).toEqual([undefined, null]);
});
