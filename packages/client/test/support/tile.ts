import type { World } from '@sotto/testkit'

/** A tile of the log of a test's world, by the path it is asked for. */
export async function tile(world: World, path: string): Promise<Response> {
  const match = /^\/log\/tile\/(\d+)\/(\d{3})(?:\.p\/(\d+))?$/.exec(path)!
  const bytes = await world.log.readTile({
    level: Number(match[1]),
    index: Number(match[2]),
    width: Number(match[3] ?? 256),
  })
  return new Response(bytes as BodyInit)
}
