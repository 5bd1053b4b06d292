import { insertion, interpolate } from './interpolate.ts';
import { type SlotTimes, slotNameOf, slotNames } from './slot-values.ts';

type FieldFault = { pointer: string; detail: string };
/** Every `${` in the parameters of a schedule that says nothing of its slot. */
export const paramFaults = (value: unknown, pointer = '/params'): FieldFault[] => {
  if (value !== null && typeof value === 'object')
    return Object.entries(value).flatMap(([key, inner]) => paramFaults(inner, `${pointer}/${key}`));
  if (typeof value !== 'string') return [];
  const faults: FieldFault[] = [];
  const say = (text: string): void =>
    void faults.push({
      pointer,
      detail: `${text} has no value in the parameters of a schedule; known are ${slotNames} (a \${ that is meant as text is written $\${)`,
    });
  const rest = value.replace(insertion, (whole, escaped: string, inside: string) => {
    if (!escaped && slotNameOf(inside) === null) say(whole);
    return '';
  });
  if (rest.includes('${')) say('${ that is not closed');
  return faults;
};

/** The parameters of a schedule with what they say of the slot. Faults in them are known before. */
export const paramsOfSlot = (
  params: Record<string, unknown>,
  slot: SlotTimes,
): Record<string, unknown> => {
  const inserted = interpolate(params, { params: {}, stages: {}, run: {}, env: {}, slot });
  return inserted.ok ? (inserted.value as Record<string, unknown>) : params;
};
