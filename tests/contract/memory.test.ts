import { newMemoryPlace } from '../../services/memory-store/memory-place.ts';
import { openMemoryStore } from '../../services/memory-store/memory-store.ts';
import { storeContract } from './store-contract.ts';

/** Places are kept by name, as files are: what one connection wrote another one reads. */
const places = new Map<string, ReturnType<typeof newMemoryPlace>>();
const newPlace = async () => {
  const place = `place ${places.size}`;
  places.set(place, newMemoryPlace());
  return { place, remove: async () => void places.delete(place) };
};

storeContract('the memory', newPlace, async (place) =>
  openMemoryStore(places.get(place) ?? newMemoryPlace()),
);
