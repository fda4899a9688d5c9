import { element, show } from './elements.ts'

/** What the page is doing; index.html and page.css know the same words. */
export type State =
  | 'verifying'
  | 'refused'
  | 'unreachable'
  | 'ready'
  | 'starting'
  | 'no-camera'
  | 'live'
  | 'stopped'

/** Shows a state: a title, a sentence, and the button that leads out of it, if one does. */
export function setState(state: State, title: string, text: string, button = ''): void {
  document.body.dataset['state'] = state
  show('curtain-title', title)
  show('curtain-text', text)
  show('start', button)
  element('stop').hidden = state !== 'live'
}
