import { killedForMemory } from '../../../services/launcher/out-of-memory.ts';

const reading = (files: Record<string, string>) => (path: string) => {
  const text = files[path];
  if (text === undefined) throw new Error('ENOENT');
  return text;
};
const vmstat = 'nr_free_pages 1\noom_kill 7\noom_kill_x 9\n';

test.each([
  [
    3,
    {
      '/proc/self/cgroup': '0::/system.slice/stagewright.service\n',
      '/sys/fs/cgroup/system.slice/stagewright.service/memory.events':
        'low 0\noom 4\noom_kill 3\noom_group_kill 0\n',
      '/proc/vmstat': vmstat,
    },
  ],
  // The root group counts nothing.
  [7, { '/proc/self/cgroup': '0::/\n', '/proc/vmstat': vmstat }],
  [7, { '/proc/self/cgroup': '4:memory:/a\n', '/proc/vmstat': vmstat }],
  [null, { '/proc/vmstat': 'nr_free_pages 1\n' }],
  [null, {}],
] as [number | null, Record<string, string>][])(
  'the kernel has ended %p processes for memory, our own group first',
  (count, files) => expect(killedForMemory(reading(files))).toBe(count),
);

test('this kernel says a number, or nothing', () => {
  const count = killedForMemory();
  expect(count === null || Number.isInteger(count)).toBe(true);
});
