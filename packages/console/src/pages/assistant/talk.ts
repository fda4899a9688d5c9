/**
 * How somebody talks to the page. A press that is held talks until it is let go (`hold`); a short one, or one of a key
 * or a screen reader, talks until the next press (`toggle`).
 *
 * - `idle`: the microphone is closed
 * - `opening`: the browser asks for it
 * - `listening`: it is open, and what is said is sent
 * - `finishing`: it is closed, and the last words are awaited
 */
export interface TalkState {
  phase: 'idle' | 'opening' | 'listening' | 'finishing'
  /** `pressed`: it may still become either. */
  mode: 'pressed' | 'toggle'
  /** When the press began, milliseconds of any clock. */
  since: number
}

export type TalkEvent =
  | { type: 'press'; at: number }
  | { type: 'release'; at: number }
  /** A press without a duration. */
  | { type: 'click'; at: number }
  /** The microphone is open. */
  | { type: 'opened' }
  /** The last words came, or it failed. */
  | { type: 'over' }

/** What is to be done now. */
export type TalkAction = 'open' | 'finish' | 'cancel' | undefined

/** Shorter is a press, not a hold. */
export const HOLD_MS = 350

export const SILENT: TalkState = { phase: 'idle', mode: 'pressed', since: 0 }

/** The state after an event, and what to do. What makes no sense in a state changes nothing. */
export function talk(state: TalkState, event: TalkEvent): { state: TalkState; action: TalkAction } {
  const same = { state, action: undefined }
  switch (event.type) {
    case 'press':
      if (state.phase === 'idle')
        return { state: { phase: 'opening', mode: 'pressed', since: event.at }, action: 'open' }
      return state.mode === 'toggle' ? end(state) : same
    case 'click':
      if (state.phase === 'idle')
        return { state: { phase: 'opening', mode: 'toggle', since: event.at }, action: 'open' }
      return end(state)
    case 'release':
      if (state.mode !== 'pressed' || state.phase === 'idle' || state.phase === 'finishing') return same
      return event.at - state.since < HOLD_MS ? { ...same, state: { ...state, mode: 'toggle' } } : end(state)
    case 'opened':
      return state.phase === 'opening' ? { ...same, state: { ...state, phase: 'listening' } } : same
    case 'over':
      return { state: SILENT, action: undefined }
  }
}

/** Let go while the browser still asked: it must not listen afterwards. */
function end(state: TalkState): { state: TalkState; action: TalkAction } {
  if (state.phase === 'opening') return { state: SILENT, action: 'cancel' }
  if (state.phase === 'listening')
    return { state: { ...state, phase: 'finishing', mode: 'pressed' }, action: 'finish' }
  return { state, action: undefined }
}
