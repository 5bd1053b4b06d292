import fc from 'fast-check';
import { redirectOf } from '../../stages/http-redirect.ts';

const asked = (url: string, method = 'GET') => ({ method, url: new URL(url) });
const answered = (status: number, location?: string) => ({
  status,
  headers: location === undefined ? {} : { location },
});

test.each([
  ['http://a/x', 'https://a/y', true],
  ['https://a/x', 'http://a/y', false],
  ['http://a/x', 'http://a:81/y', false],
  ['http://a/x', '//a/y', true],
  ['http://a/x', 'http://A/y', true],
  ['http://a/x', 'http://user:pw@a/y', true],
  ['http://a/x', 'http://a.evil/y', false],
  ['http://a/x', 'file:///etc/passwd', false],
  ['http://a/x', 'http://', false],
])('from %s to %s is the same host: %s', (from, to, isSame) => {
  expect(redirectOf('same-host', asked(from), answered(302, to)) !== null).toBe(isSame);
});

test.each([
  [301, 'POST', 'GET'],
  [302, 'POST', 'GET'],
  [302, 'PUT', 'PUT'],
  [303, 'PUT', 'GET'],
  [303, 'HEAD', 'HEAD'],
  [307, 'POST', 'POST'],
  [308, 'PATCH', 'PATCH'],
])('after %d a %s is a %s', (status, method, next) => {
  const redirect = redirectOf('any', asked('http://a/', method), answered(status, '/b'));
  expect([redirect?.method, redirect?.keepsBody]).toEqual([next, next !== 'GET']);
});

test('nothing is followed without an address, with another status, or where the stage says none', () => {
  fc.assert(
    fc.property(fc.integer({ min: 200, max: 599 }), fc.string(), (status, location) => {
      expect(redirectOf('none', asked('http://a/'), answered(status, location))).toBeNull();
      expect(redirectOf('any', asked('http://a/'), answered(status))).toBeNull();
      const found = redirectOf('same-host', asked('http://a/'), answered(status, location));
      // Whatever stands there, it never leads away.
      if (found) expect([found.url.host, found.isForeign]).toEqual(['a', false]);
      if (![301, 302, 303, 307, 308].includes(status)) expect(found).toBeNull();
    }),
  );
});
