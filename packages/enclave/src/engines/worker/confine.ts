/** First code of every engine process (`node --import`), before any module of a package is looked for. */
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { confineTo } from './confine-to.ts'

registerHooks({ resolve: confineTo(fileURLToPath(new URL('.', import.meta.url))) })
