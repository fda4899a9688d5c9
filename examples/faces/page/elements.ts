/** The element of index.html with this id. */
export function element<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T
}

/** Shows text in an element, as text. */
export function show(id: string, text: string): void {
  const found = element(id)
  if (found.textContent !== text) found.textContent = text
  found.hidden = text === ''
}

/** An element with a class and text. */
export function make(tag: string, className: string, text = ''): HTMLElement {
  const made = document.createElement(tag)
  made.className = className
  made.textContent = text
  return made
}
