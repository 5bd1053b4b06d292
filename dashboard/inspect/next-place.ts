/** The place so many rows away from the chosen one, which may be one that is not drawn itself. */
export const placeFrom = (places: readonly number[], chosen: number, by: number): number | null => {
  const after = places.findIndex((place) => place > chosen);
  const at = places.indexOf(chosen);
  const from = at >= 0 ? at : (after < 0 ? places.length : after) - (by > 0 ? 1 : 0);
  return places[Math.min(places.length - 1, Math.max(0, from + by))] ?? null;
};
