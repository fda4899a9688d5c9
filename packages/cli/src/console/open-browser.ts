import { spawn } from 'node:child_process'
import type { Io } from '../framework/context.ts'

/** Opens an address in the browser of this desktop: `$BROWSER`, else `xdg-open`. @returns whether that started */
export function openBrowser({ env }: Pick<Io, 'env'>, url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(env['BROWSER'] || 'xdg-open', [url], { stdio: 'ignore', detached: true, env })
    child.once('error', () => resolve(false))
    child.once('spawn', () => {
      // It lives on by itself: a browser does not end with what opened it.
      child.unref()
      resolve(true)
    })
  })
}
