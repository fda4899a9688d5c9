import type { Step, Verdict } from '@sotto/verifier'
import { element, make, show } from './elements.ts'

/** Shows a verdict: shield, every step, and that it rests on no hardware where it does not. */
export function showVerdict({ ok, steps, software }: Verdict): void {
  document.body.dataset['verdict'] = ok ? 'ok' : 'refused'
  show('shield-text', ok ? (software ? 'Verified, software TEE' : 'Verified') : 'Refused')
  element('software').hidden = !software
  const count = (of: Step['status']): number => steps.filter(({ status }) => status === of).length
  const parts = [`${count('pass')} passed`, `${count('skipped')} skipped`, `${count('fail')} failed`]
  show('count', parts.filter((part) => !part.startsWith('0 ')).join(', '))
  element('steps').replaceChildren(...steps.map(line))
  if (!ok) element<HTMLDetailsElement>('proof').open = true
}

/** Shows that nothing could be decided. */
export function showUndecided(): void {
  document.body.dataset['verdict'] = 'open'
  show('shield-text', 'Not verified')
}

function line({ status, title, reason, expected, found }: Step): HTMLElement {
  const item = make('li', status)
  item.append(make('span', '', title))
  const compared = status === 'fail' ? [expected && `expected: ${expected}`, found && `found: ${found}`] : []
  const why = [status === 'pass' ? '' : reason, ...compared].filter(Boolean).join('; ')
  if (why !== '') item.append(make('span', 'why', why))
  return item
}
