/** Elements that make something of the space bar themselves. */
const OWN =
  'input, textarea, select, button, a[href], summary, audio, video, [contenteditable], [tabindex="0"]'

/** Whether a key belongs to what has the focus, and not to the page. */
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest(OWN) !== null
}
