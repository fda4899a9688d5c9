import type { Page } from 'playwright-core'

/** A file as a test gives it to a page. */
export interface GivenFile {
  name: string
  base64?: string
  /** Of zeros, where there is no content. */
  bytes?: number
}

/** Gives files to what stands at `selector`, as a drop does. */
export async function drop(page: Page, selector: string, ...files: GivenFile[]): Promise<void> {
  await page.evaluate(
    ([at, given]) => {
      const dropped = new DataTransfer()
      for (const { name, base64, bytes = 0 } of given) {
        const content =
          base64 === undefined
            ? new Uint8Array(bytes)
            : Uint8Array.from(atob(base64), (one) => one.charCodeAt(0))
        dropped.items.add(new File([content], name))
      }
      document
        .querySelector(at)!
        .dispatchEvent(new DragEvent('drop', { dataTransfer: dropped, bubbles: true, cancelable: true }))
    },
    [selector, files] as const,
  )
}

/**
 * Drops a file that says it has 2 GiB, which no test can afford to have. @returns whether the page took it from the browser,
 * which would open it in the place of the page, and what of it was read
 */
export function dropHuge(
  page: Page,
  selector: string,
  name: string,
): Promise<{ isTaken: boolean; read: string[] }> {
  return page.evaluate(
    async ([at, fileName]) => {
      const file = new File(['x'], fileName)
      const read: string[] = []
      Object.defineProperty(file, 'size', { value: 2 ** 31 })
      for (const way of ['arrayBuffer', 'bytes', 'slice', 'stream', 'text'])
        Object.defineProperty(file, way, { value: () => read.push(way) })
      const event = new Event('drop', { bubbles: true, cancelable: true })
      Object.defineProperty(event, 'dataTransfer', { value: { files: [file], types: ['Files'] } })
      document.querySelector(at)!.dispatchEvent(event)
      // Whoever reads begins at once.
      await new Promise((resolve) => setTimeout(resolve))
      return { isTaken: event.defaultPrevented, read }
    },
    [selector, name] as const,
  )
}
