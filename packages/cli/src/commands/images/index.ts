import type { Command } from '../../framework/index.ts'
import { imagesBuild } from './build.ts'
import { imagesInspect } from './inspect.ts'
import { imagesPush } from './push.ts'

/** `sotto images …`, in the order help lists them. */
export const imagesCommands: readonly Command[] = [imagesBuild, imagesPush, imagesInspect]
