/** Path data of 24 × 24 drawings. */
export const ICONS = {
  file: 'M12 16V4M7 9l5-5 5 5M4 16v4h16v-4',
  microphone: 'M12 3a3 3 0 0 0-3 3v6a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3zM5 11a7 7 0 0 0 14 0M12 18v3',
  stop: 'M7 7h10v10H7z',
  close: 'M6 6l12 12M18 6 6 18',
  play: 'M8 5v14l11-7z',
  pause: 'M8 5v14M16 5v14',
  back: 'M11 7 5 12l6 5zM19 7l-6 5 6 5z',
  forward: 'M13 7l6 5-6 5zM5 7l6 5-6 5z',
} as const
