/**
 * Looks at the paths of an archive one after the other. The function it returns says what is wrong with the next
 * one, undefined when nothing is: every path is greater than the one before, in code-unit order, so none occurs
 * twice, and none lies below a file. Paths are safe to print.
 */
export function pathsInOrder(): (path: string, isDirectory: boolean) => string | undefined {
  const files = new Set<string>()
  let previous: string | undefined
  return (path, isDirectory) => {
    if (path === previous) return `${path} occurs twice`
    if (previous !== undefined && path < previous) return `${path} stands after ${previous}`
    previous = path
    // A folder sorts before what lies in it, so a file in its place has been seen by now.
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1))
      if (files.has(path.slice(0, at))) return `${path} lies below a file`
    if (!isDirectory) files.add(path)
    return undefined
  }
}
