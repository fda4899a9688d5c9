/** Gives the reader a file. Nothing leaves the browser. */
export function saveFile(
  name: string,
  content: string | readonly BlobPart[],
  type = 'application/json',
): void {
  const url = URL.createObjectURL(new Blob(typeof content === 'string' ? [content] : [...content], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
