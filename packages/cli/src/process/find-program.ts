import { accessSync, constants } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'

/**
 * Where a program lies: the first of these folders that has one of this name, `first` before those of a PATH. Entries of
 * PATH that are no absolute folder are passed over: an empty one is the working directory, where anybody's file may lie.
 */
export function findProgram(
  name: string,
  path: string | undefined,
  first: readonly string[] = [],
): string | undefined {
  const folders = [...first, ...(path ?? '').split(delimiter).filter((folder) => isAbsolute(folder))]
  return folders.map((folder) => join(folder, name)).find(canRun)
}

/** Whether this user may execute the file. */
export function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
