/**
 * A path from the root without `.`, `..`, empty steps and slashes at its ends, as Go's `path.Clean("/" + path)` has it:
 * nothing leads out of the root, which is the empty text.
 */
export function cleanPath(path: string): string {
  const steps: string[] = []
  for (const step of path.split('/')) {
    if (step === '..') steps.pop()
    else if (step !== '' && step !== '.') steps.push(step)
  }
  return steps.join('/')
}

/** What lies above a clean path. */
export function parentPath(clean: string): string {
  return clean.slice(0, Math.max(0, clean.lastIndexOf('/')))
}

/** The last step of a clean path. */
export function baseName(clean: string): string {
  return clean.slice(clean.lastIndexOf('/') + 1)
}

/** The steps of a clean path. */
export function pathSteps(clean: string): string[] {
  return clean === '' ? [] : clean.split('/')
}
