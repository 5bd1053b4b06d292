type Given<T> = {
  [key in keyof T as undefined extends T[key] ? key : never]?: Exclude<T[key], undefined>;
} & { [key in keyof T as undefined extends T[key] ? never : key]: T[key] };

/** Fields that were not given are left out, not undefined. */
export const given = <T extends object>(fields: T): Given<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>;
