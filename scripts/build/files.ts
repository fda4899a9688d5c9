import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Every file below a folder, links left out. */
export function* walk(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* walk(path)
    else if (entry.isFile()) yield path
  }
}
