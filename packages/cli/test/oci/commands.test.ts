import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { imagesCommands } from '../../src/commands/images/index.ts'
import { buildImage, imageRecipe, readLayout } from '../../src/oci/index.ts'
import { hashLayer } from '../../src/oci/verity/index.ts'
import { runInMemory, type RunResult } from '../support/memory-io.ts'
import { startRegistry, USER } from './support/registry-server.ts'
import { sampleImage, temporary, writeFiles, writeSampleLayout } from './support/sample.ts'
import { writeTar } from '../../../protocol/test/oci/support/tar-writer.ts'

let cwd: string
beforeEach(() => {
  cwd = temporary()
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

const sotto = (argv: string[], env: Record<string, string> = {}): Promise<RunResult> =>
  runInMemory(imagesCommands, ['images', ...argv], { cwd, env, fetch: globalThis.fetch })

describe('sotto images inspect', () => {
  it('shows what an image is and runs, and the hashes that policies name', async () => {
    writeSampleLayout(join(cwd, 'base'))
    const { code, stdout } = await sotto(['inspect', 'base', '--layer-hashes', '--json'])
    expect(code).toBe(0)
    const tar = writeTar([
      { path: 'etc/', type: '5', mode: 0o755 },
      { path: 'etc/base', content: Buffer.from('of the base') },
    ])
    const layerHash = await hashLayer(
      (async function* () {
        yield tar
      })(),
    )
    expect(JSON.parse(stdout)).toMatchObject({
      digest: sampleImage().digest,
      architecture: 'amd64',
      layers: [{ layerHash }],
      config: { Cmd: ['bash'] },
    })
    expect((await sotto(['inspect', 'base'])).stdout).toContain('runs    ["bash"]')
  })

  it('exits with 3 for a layer that is not what its name says', async () => {
    const folder = writeSampleLayout(join(cwd, 'base'))
    const { blobs, manifest } = await readLayout(folder)
    const bytes = readFileSync(blobs.path(manifest.layers[0]!.digest))
    bytes[15]! ^= 1
    writeFileSync(blobs.path(manifest.layers[0]!.digest), bytes)
    expect(await sotto(['inspect', 'base'])).toMatchObject({ code: 3 })
    expect(await sotto(['inspect', 'nowhere'])).toMatchObject({ code: 2 })
  })
})

describe('sotto images push', () => {
  it('prints the reference by digest, with credentials of docker login', async () => {
    writeSampleLayout(join(cwd, 'base'))
    const registry = await startRegistry({ auth: 'basic' })
    const auths = { [registry.host]: USER }
    writeFiles(cwd, { 'docker/config.json': JSON.stringify({ auths }) })
    const pushed = await sotto(['push', 'base', `${registry.host}/team/app:v1`], {
      DOCKER_CONFIG: join(cwd, 'docker'),
    })
    await registry.close()
    expect(pushed).toMatchObject({ code: 0, stdout: `${registry.host}/team/app@${sampleImage().digest}\n` })
    expect(registry.manifests.has('v1')).toBe(true)
    expect(await sotto(['push', 'base', `${registry.host}/team/app@${sampleImage().digest}`])).toMatchObject({
      code: 2,
    })
  })
})

describe('sotto images build', () => {
  it('refuses an image without a base, an unknown one, and a time that is none', async () => {
    expect(await sotto(['build', 'kms'])).toMatchObject({ code: 2 })
    expect(await sotto(['build', 'other', '--base', '.'])).toMatchObject({ code: 2 })
  })
})

describe('the images of a build', () => {
  const files = (names: readonly string[]): Record<string, string> =>
    Object.fromEntries(names.map((name) => [name, name]))

  it.each(['kms', 'inference', 'edge'] as const)(
    '%s starts from its folder, without an option of its own',
    async (name) => {
      const dist = writeFiles(
        join(cwd, 'dist'),
        files([
          'images/release/kms/bin/node',
          'images/release/kms/role.js',
          'images/release/inference/bin/node',
          'images/release/inference/role.js',
          'edge/log.js',
          'cli/sotto.js',
          'console/index.html',
        ]),
      )
      const { product, config, configuration } = imageRecipe(name, dist)
      expect(configuration).toBeUndefined()
      expect(config.Entrypoint!.slice(0, 3)).toEqual([
        `/opt/sotto/${name}/bin/node`,
        '--max-semi-space-size=1',
        '--external-memory-accounted-in-global-limit',
      ])
      expect(config).toMatchObject({
        WorkingDir: `/opt/sotto/${name}`,
        User: name === 'inference' ? '0:0' : '65532:65532',
      })
      if (name !== 'edge')
        expect(config.Entrypoint!.slice(3)).toEqual(['role.js', '--config', '/etc/sotto/config.json'])
      await buildImage({ out: join(cwd, 'out'), architecture: 'amd64', layers: [product], config })
    },
  )

  it('have their configuration below their program where it is part of them', () => {
    const bytes = Buffer.from('{}')
    expect(imageRecipe('kms', cwd, bytes)).toMatchObject({
      configuration: [{ to: '/opt/sotto/kms/config.json', bytes }],
      config: { Entrypoint: expect.arrayContaining(['/opt/sotto/kms/config.json']) as string[] },
    })
  })
})
