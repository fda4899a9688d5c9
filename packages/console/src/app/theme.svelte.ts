/** As the device has it, until somebody chooses. */
export type Theme = 'auto' | 'light' | 'dark'

const KEY = 'sotto.theme'
const THEMES: readonly Theme[] = ['auto', 'light', 'dark']

let current = $state<Theme>('auto')

/** What is shown now. */
export const theme = {
  get current(): Theme {
    return current
  },
  /** The next of the three. */
  turn(): void {
    current = THEMES[(THEMES.indexOf(current) + 1) % THEMES.length]!
    try {
      localStorage.setItem(KEY, current)
    } catch {
      // Remembered for this page only.
    }
    show()
  },
}

/** Shows what was chosen last time. */
export function applyTheme(): void {
  try {
    current = THEMES.find((one) => one === localStorage.getItem(KEY)) ?? 'auto'
  } catch {
    // Nothing is remembered here.
  }
  show()
}

function show(): void {
  document.documentElement.style.colorScheme = current === 'auto' ? 'light dark' : current
}
