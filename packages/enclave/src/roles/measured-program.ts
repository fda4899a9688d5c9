import type { ManifestEntry } from '@sotto/protocol/measurement'
import { engineError, type EngineProgram, openEngineProgram } from '../engines/index.ts'

/**
 * Written into this bundle when it is built (`scripts/build.ts`), as JSON: every file of the image but
 * the bundle itself, which cannot contain its own digest. The bundle is measured, so the list is.
 */
declare const SOTTO_IMAGE_FILES: string | undefined

/**
 * The engine program of the image this role runs from.
 * @throws `ENGINE_PROGRAM_CHANGED` (stop) when this is not a built image: nothing says then what was measured
 */
export function measuredProgram(image: string): EngineProgram {
  if (typeof SOTTO_IMAGE_FILES === 'undefined')
    throw engineError('ENGINE_PROGRAM_CHANGED', 'this role lists no engine files: it is not a built image')
  return openEngineProgram({
    folder: image,
    preload: 'confine.js',
    files: JSON.parse(SOTTO_IMAGE_FILES) as ManifestEntry[],
    // The role was read once, when it started, and so was its configuration where hardware measures it as part of the
    // image; no engine executes them.
    except: ['role.js', 'config.json'],
  })
}
