import { element, make, show } from './elements.ts'
import type { Match } from './match.ts'

/** Shows who is there: boxes over the camera, which is shown as in a mirror, and a list. */
export function showMatches(matches: readonly Match[]): void {
  const boxes = element('boxes')
  // The same elements move from frame to frame: made anew they would flicker.
  while (boxes.childElementCount > matches.length) boxes.lastElementChild!.remove()
  while (boxes.childElementCount < matches.length) {
    const box = make('div', 'box')
    box.append(make('span', ''))
    boxes.append(box)
  }
  for (const [i, match] of matches.entries()) place(boxes.children[i] as HTMLElement, match)
  const known = matches.toSorted((a, b) => Number(a.name === '') - Number(b.name === ''))
  const lines = known.map(({ name, score }) => {
    const item = document.createElement('li')
    item.append(
      make('span', name === '' ? 'name stranger' : 'name', name === '' ? 'Somebody not known' : name),
    )
    if (name !== '') item.append(make('span', 'score', score.toFixed(2)))
    return item
  })
  const text = (items: readonly Element[]): string => items.map(({ textContent }) => textContent).join('\n')
  const list = element('people')
  const now = lines.length > 0 ? lines : [make('li', 'quiet', 'Nobody in the picture')]
  // Screen readers are told of changes, not of every frame.
  if (text(now) !== text([...list.children])) list.replaceChildren(...now)
}

/** Nothing is seen, and why. */
export function clearMatches(why: string): void {
  element('boxes').replaceChildren()
  element('people').replaceChildren(make('li', 'quiet', why))
}

function place(box: HTMLElement, { name, score, box: [left, top, right, bottom] }: Match): void {
  box.className = name === '' ? 'box' : 'box known'
  // Where there is no room below, the name stands above.
  box.classList.toggle('low', bottom > 0.88)
  // On the right of the mirror it grows to the left.
  box.classList.toggle('right', left + right < 1)
  const percent = (part: number): string => `${(part * 100).toFixed(2)}%`
  Object.assign(box.style, {
    left: percent(1 - right),
    top: percent(top),
    width: percent(right - left),
    height: percent(bottom - top),
  })
  box.firstElementChild!.textContent = name === '' ? 'not known' : `${name} ${score.toFixed(2)}`
}

const SHOWN_MS = 3000

/** Counts answers and shows how fast they come. */
export class Figures {
  readonly #answers: { at: number; took: number }[] = []
  #count = 0
  #receipts = 0

  add(took: number, hasReceipt: boolean, now: number = performance.now()): void {
    this.#count++
    if (hasReceipt) this.#receipts++
    this.#answers.push({ at: now, took })
    while (now - this.#answers[0]!.at > SHOWN_MS) this.#answers.shift()
    const times = this.#answers.map((one) => one.took).toSorted((a, b) => a - b)
    const span = Math.max(now - this.#answers[0]!.at, 1)
    show('rate', this.#answers.length < 2 ? '–' : (((this.#answers.length - 1) * 1000) / span).toFixed(1))
    show('latency', `${Math.round(times[times.length >> 1]!)} ms`)
    show('receipts', `${this.#receipts} of ${this.#count}`)
  }
}
