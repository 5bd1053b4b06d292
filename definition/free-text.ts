import { z } from 'zod';

/**
 * C0 and C1 but tab and newline, and what turns the direction of writing: they move a terminal's
 * cursor, set its title, or show another text than stands there.
 */
const unseen = (code: number): boolean =>
  (code < 0x20 && code !== 0x09 && code !== 0x0a) ||
  (code >= 0x7f && code <= 0x9f) ||
  code === 0x061c ||
  code === 0x200e ||
  code === 0x200f ||
  (code >= 0x202a && code <= 0x202e) ||
  (code >= 0x2066 && code <= 0x2069);

const isUnseen = (letter: string): boolean => unseen(letter.codePointAt(0) as number);

/** The text without what is not text. */
export const withoutControls = (text: string): string =>
  Array.from(text).some(isUnseen)
    ? Array.from(text)
        .filter((letter) => !isUnseen(letter))
        .join('')
    : text;

/** What a person writes for people: titles and reasons. */
export const freeText = (maxLength: number) =>
  z
    .string()
    .max(maxLength)
    .refine((text) => text.length > maxLength || withoutControls(text) === text, {
      error: 'must be plain text: no control characters but tab and newline',
    });
