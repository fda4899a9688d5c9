import { omsError } from './errors.ts'

/** Longest path of Linux (PATH_MAX), in characters. */
const MAX_PATH = 4096
/** Folders and file of a path: more than any model has, and each costs a look-up of its own. */
export const MAX_OMS_SEGMENTS = 64

/**
 * Refuses a path that could lead out of the model, or be read as another one: absolute, climbing, with an empty or
 * `.` segment, too deep, with a backslash or a colon (other systems' separators), control or formatting characters.
 *
 * @throws `OMS_PATH` (stop)
 */
export function requireSafePath(path: string): void {
  const isSafe =
    path.length > 0 &&
    path.length <= MAX_PATH &&
    path.isWellFormed() &&
    !/[\\:\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(path) &&
    isSafeSegments(path.split('/'))
  if (!isSafe)
    throw omsError('OMS_PATH', 'the manifest names an unsafe path', {
      expected: `a relative path of at most ${MAX_OMS_SEGMENTS} names, without . and .., backslash, colon and control characters`,
      found: path,
    })
}

function isSafeSegments(segments: readonly string[]): boolean {
  return (
    segments.length <= MAX_OMS_SEGMENTS &&
    segments.every((segment) => segment !== '' && segment !== '.' && segment !== '..')
  )
}

/**
 * Refuses names that are one file on some system: the same, in other case, in another Unicode form; and a name that is
 * a folder of another. @throws `OMS_PATH` (stop)
 */
export function requireDistinctPaths(paths: readonly string[]): void {
  const folded = paths.map((path) => path.normalize('NFC').toLowerCase())
  const seen = new Map<string, string>()
  for (const [i, path] of paths.entries()) {
    const other = seen.get(folded[i]!)
    if (other !== undefined)
      throw omsError(
        'OMS_PATH',
        other === path
          ? 'the manifest names a file twice'
          : 'two names are one file where case or form does not count',
        {
          found: other === path ? path : `${other} and ${path}`,
        },
      )
    seen.set(folded[i]!, path)
  }
  for (const path of folded)
    for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
      const folder = seen.get(path.slice(0, at))
      if (folder !== undefined)
        throw omsError('OMS_PATH', 'a name is a file and a folder', {
          found: `${folder} and ${seen.get(path)!}`,
        })
    }
}

/** Whether a path is one of these, or lies in one that is a folder. */
export function isWithin(path: string, paths: ReadonlySet<string>): boolean {
  if (paths.has(path)) return true
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1))
    if (paths.has(path.slice(0, at))) return true
  return false
}

/**
 * The order of resources: by folder names and then file name, as paths compare in the reference, and each by code
 * points as Python does.
 */
export function comparePaths(a: string, b: string): number {
  const [one, other] = [a.split('/'), b.split('/')]
  for (let i = 0; i < Math.min(one.length, other.length); i++) {
    const order = compareCodePoints(one[i]!, other[i]!)
    if (order !== 0) return order
  }
  return one.length - other.length
}

function compareCodePoints(a: string, b: string): number {
  const [one, other] = [[...a], [...b]]
  for (let i = 0; i < Math.min(one.length, other.length); i++) {
    const difference = one[i]!.codePointAt(0)! - other[i]!.codePointAt(0)!
    if (difference !== 0) return difference
  }
  return one.length - other.length
}
