/** Drawn for this product on a 16-pixel grid, 1.5 wide. */
const paths = {
  overview: 'M2 3.5h12M2 8h7.5M2 12.5h4.5M12 8.5l2.5 2-2.5 2z',
  runs: 'M2.5 4h1m3 0h7m-11 4h1m3 0h7m-11 4h1m3 0h7',
  pipelines:
    'M4 8a2 2 0 1 1-4 0 2 2 0 0 1 4 0Zm6 0a2 2 0 1 1-4 0 2 2 0 0 1 4 0Zm6 0a2 2 0 1 1-4 0 2 2 0 0 1 4 0ZM4 8h2m4 0h2',
  schedules: 'M2.5 3.5h11v10h-11zM2.5 6.5h11M5.5 1.5v3m5-3v3',
  notifications: 'M3 11.5h10l-1.25-2V6.75a3.75 3.75 0 0 0-7.5 0V9.5zM6.5 13.75h3',
  inspect:
    'M3 4.5a1.5 1.5 0 1 1-3 0 1.5 1.5 0 0 1 3 0Zm13 0a1.5 1.5 0 1 1-3 0 1.5 1.5 0 0 1 3 0ZM1.5 6v8.5m13-8.5v8.5M1.5 8.5h10m-2-2 2 2-2 2m5 2.5h-8',
  whatif: 'M2 3v4a3 3 0 0 0 3 3h8.5m-3-3 3 3-3 3M2 7a3 3 0 0 1 3-3h8.5m-3-2.5 3 2.5-3 2.5',
  health: 'M1 8.5h3l2-5 3.5 9 2-4H15',
  start: 'M4.5 2.75v10.5l8.5-5.25z',
  stop: 'M3.5 3.5h9v9h-9z',
  retry: 'M13 5.5A5.5 5.5 0 1 0 13.5 9M13.5 2v3.75H9.75',
  skip: 'M3 3v10l6.5-5zM12.5 3v10',
  pause: 'M5.5 3v10m5-10v10',
  check: 'm3 8.5 3.5 3.5L13.5 4.5',
  close: 'm3.5 3.5 9 9m0-9-9 9',
  search: 'M11.5 7a4.5 4.5 0 1 1-9 0 4.5 4.5 0 0 1 9 0Zm-1.25 3.25L14 14',
  help: 'M14.5 8a6.5 6.5 0 1 1-13 0 6.5 6.5 0 0 1 13 0ZM6 6.25a2 2 0 1 1 2.75 1.85c-.5.2-.75.6-.75 1.15m0 2v.25',
  sun: 'M11 8a3 3 0 1 1-6 0 3 3 0 0 1 6 0ZM8 1v1.5m0 11V15M1 8h1.5m11 0H15M3 3l1 1m8 8 1 1M3 13l1-1m8-8 1-1',
  moon: 'M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7Z',
  system: 'M1.5 2.5h13v8.5h-13zM5.5 14h5M8 11v3',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  external: 'M6.5 3h-4v10.5H13v-4M9 2.5h4.5V7M13.5 2.5 7.5 8.5',
  right: 'm6 3.5 4.5 4.5L6 12.5',
  warning: 'M8 2 15 14H1zM8 6.5v3.5m0 1.75v.25',
  table: 'M1.5 3h13v10.5h-13zM1.5 6.5h13M6 3v10.5',
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  fit: 'M2.5 6v-3.5H6m4 0h3.5V6m0 4v3.5H10m-4 0H2.5V10',
  whole: 'M9.5 2.5h4v4M13.5 2.5 9 7M6.5 13.5h-4v-4M2.5 13.5 7 9',
  down: 'M8 2.5v10m-4-4 4 4 4-4',
  turn: 'M3 5.5h8.5m-3-3 3 3-3 3M13 10.5H4.5m3 3-3-3 3-3',
  unfold: 'M8 1.5v4m-2-2 2-2 2 2M8 14.5v-4m-2 2 2 2 2-2M2 8h12',
  trend: 'M2 12.5h.01M5 9h.01M8 10.5h.01M11 5.5h.01M14 7h.01',
} as const;
export type IconName = keyof typeof paths;

/** Decoration beside a word, or inside a control that has a label. */
export const Icon = ({ name, size = 16 }: { name: IconName; size?: number }) => (
  <svg className="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">
    <path d={paths[name]} />
  </svg>
);
