/** Width and height of a drawing as its `viewBox` states them. @throws Error for one without */
export function sizeOf(svg: string): { width: number; height: number } {
  const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg) ?? []
  if (width === undefined || height === undefined) throw new Error('a drawing without viewBox="0 0 W H"')
  return { width: Number(width), height: Number(height) }
}
