import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { claim } from '../../../../../test/claims.ts'
import {
  type ContainerEngine,
  createContainerEngine,
  type JobInputs,
  runContainer,
  unmeasuredContainerProgram,
} from '../../../src/room/container/index.ts'
import { availablePrograms } from '../../../src/sandbox/index.ts'
import { calledWith } from './hosted.ts'
import { file, ramFile, symlink, type WrittenEntry } from './layouts.ts'
import { imageWith, openEngine, perl, run, SAY, shell, taskOf, whyNoContainer } from './real-image.ts'

const MEBIBYTE = 2 ** 20
const inputs = (...entries: [string, Uint8Array | Uint8Array[]][]): JobInputs => new Map(entries)
const failure = (code: string): object => expect.objectContaining({ code: `ROOM_CONTAINER_${code}` })
/** All that an error says, as somebody may see it. */
const wordsOf = (error: unknown): string =>
  JSON.stringify(error, [...Object.getOwnPropertyNames(error), 'message', 'cause']).replace(
    /"stack":"[^]*?"/,
    '',
  )

describe.skipIf((await whyNoContainer()) !== undefined)('a container', { timeout: 30_000 }, () => {
  let engine: ContainerEngine
  beforeAll(async () => {
    engine = await createContainerEngine({ program: unmeasuredContainerProgram(), require: 'best-effort' })
  }, 30_000)
  afterAll(() => engine.close())

  it('reads its inputs, and what it leaves in /out/result is what comes back', async () => {
    const code = `${SAY} for (qw(/in/table /in/texts/0 /in/texts/1)) { open(my $f, "<", $_); print "$_=", <$f>, ";" }`
    const given = inputs(['table', Buffer.from('a,b')], ['texts', [Buffer.from('x'), Buffer.from('y')]])
    expect(await run(engine, perl(code), { inputs: given })).toBe(
      '/in/table=a,b;/in/texts/0=x;/in/texts/1=y;',
    )
  })

  it('takes image and inputs as descriptors of memory, or as they come', async () => {
    const { tar, manifest } = imageWith()
    async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 100_000)
        yield Uint8Array.from(bytes.subarray(at, at + 100_000))
    }
    const large = Buffer.alloc(3 * MEBIBYTE, 'z')
    const result = await runContainer(engine, {
      task: taskOf(
        manifest,
        shell('read -r a < /in/a; echo "$a"; while read -r b; do :; done < /in/b; echo ${#b}'),
      ),
      image: pieces(tar),
      inputs: new Map([
        ['a', ramFile(Buffer.from('held\n'))],
        ['b', pieces(large) as never],
      ]),
      maxOutputBytes: 100,
    })
    expect(Buffer.from(result).toString()).toBe(`held\n${large.length}\n`)
  })

  it('runs the words and the environment of the contract, byte by byte, and nothing of the image', async () => {
    const words = ['it\'s "1"', 'a\nb', '', '$HOME', 'ü']
    const env = { EMPTY: '', LD_PRELOAD: '/x.so', TEXT: "a=b 'c' \n", PERL5OPT: '' }
    const code = `${SAY} print join("|", @ARGV), "#", join("|", map "$_=$ENV{$_}", sort keys %ENV)`
    expect(await run(engine, [...perl(code), ...words], { task: { env } })).toBe(
      `${words.join('|')}#EMPTY=|LD_PRELOAD=/x.so|PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin|` +
        `PERL5OPT=|TEXT=${env.TEXT}`,
    )
    expect(await run(engine, ['perl', '-e', `${SAY} print "found"`])).toBe('found')
    expect(await run(engine, shell('echo "$PATH"'), { task: { env: { PATH: '/none' } } })).toBe('/none\n')
  })

  it('starts in the working directory of its image, which is made where there is none', async () => {
    const inFolder = (WorkingDir: string, entries: WrittenEntry[] = []) =>
      run(engine, shell('pwd -P; echo *'), {
        image: imageWith(entries, { config: (config) => ({ ...config, config: { WorkingDir } }) }),
      })
    expect(await inFolder('/job', [file('job/a')])).toBe('/job\na\n')
    expect(await inFolder('/made/here')).toBe('/made/here\n*\n')
    expect(await inFolder('/there', [symlink('there', '/job'), file('job/a')])).toBe('/job\na\n')
  })

  it('starts nowhere but in its image, whatever link the working directory is', async () => {
    for (const WorkingDir of ['/proc/self/cwd', '/proc/1/root', '/link']) {
      const image = imageWith([symlink('link', '/proc/self/cwd')], {
        config: (config) => ({ ...config, config: { WorkingDir } }),
      })
      expect(await run(engine, shell('cd -P .; echo *'), { image })).toMatch(/^bin dev in job [^\n]*usr\n$/)
    }
  })

  it('has the files of its image without a setuid bit, and readable', async () => {
    const image = imageWith([
      { ...file('job/setuid', 'x', 0o6755), uid: 0 },
      { ...file('job/secret', 'y', 0o600), uid: 1000 },
    ])
    const code = `${SAY} printf "%o %o %s", (stat "/job/setuid")[2], (stat "/job/secret")[2], (stat "/job/secret")[4] == $< ? "own" : "other"`
    expect(await run(engine, perl(code), { image })).toBe('100755 100644 other')
  })

  it(
    claim('rooms.code', 'says of a job that fails no status, no signal and nothing that it printed'),
    async () => {
      const code =
        'print "secret"; print STDERR "secret"; open(F, ">", "/out/result"); print F "secret"; close F;'
      const said = new Set<string>()
      for (const command of [
        perl(`${code} exit 77`),
        perl(`${code} kill 9, $$; kill 11, $$; exit 3`),
        ['/no/such/program-secret'],
        ['no-such-secret'],
      ]) {
        const error: unknown = await run(engine, command).catch((reason: unknown) => reason)
        expect(error).toEqual(failure('ENDED'))
        said.add(wordsOf(error))
      }
      expect([...said]).toHaveLength(1)
      expect([...said].join()).not.toMatch(/secret|77/)
    },
  )

  it('is another than the contract names, and is never started', async () => {
    await expect(run(engine, shell('echo x'), { task: { manifest: 'a'.repeat(64) } })).rejects.toEqual(
      failure('DIGEST'),
    )
  })

  it('is refused by the program that unpacks it, which says why', async () => {
    const refused = (entries: WrittenEntry[], diffId?: string) =>
      run(engine, shell('echo x'), {
        image: imageWith(entries, {
          config: (config) =>
            diffId === undefined
              ? config
              : { ...config, rootfs: { diff_ids: [`sha256:${diffId}`, `sha256:${diffId}`] } },
        }),
      })
    await expect(refused([file('../x')])).rejects.toMatchObject({
      code: 'ROOM_CONTAINER_LAYOUT',
      found: 'a path in a layer that leads out of it',
    })
    await expect(refused([], 'b'.repeat(64))).rejects.toEqual(failure('DIGEST'))
    const small = await openEngine({ maxImageBytes: MEBIBYTE })
    await expect(run(small, shell('echo x'))).rejects.toMatchObject({
      code: 'ROOM_CONTAINER_LAYOUT',
      found: 'an image with more bytes than a room unpacks',
    })
  })

  it('runs beside another one, as somebody else', async () => {
    const both = await Promise.all([1, 2].map(() => run(engine, perl(`${SAY} print $<; sleep 1`))))
    if (engine.sandbox.uid === 'own') expect(new Set(both).size).toBe(2)
    expect(both.every((uid) => Number(uid) >= 64_000)).toBe(true)
  })

  it('has no more inputs than there is room for', async () => {
    const engine = await openEngine({ maxInputBytes: MEBIBYTE })
    const given = inputs(['a', Buffer.alloc(4 * MEBIBYTE)])
    await expect(run(engine, shell(''), { inputs: given })).rejects.toMatchObject({
      code: 'ROOM_CONTAINER_START',
      found: 'more bytes of inputs than there is room for',
    })
    await expect(run(engine, shell(''), { inputs: new Map([['../x', Buffer.from('x')]]) })).rejects.toThrow(
      TypeError,
    )
  })

  it('is started from what was measured, before it starts and before it gets anything', async () => {
    let looks = 0
    const changed = new Error('changed')
    const engine = await openEngine({
      program: {
        ...unmeasuredContainerProgram(),
        verify: async () => {
          if (++looks === 2) throw changed
        },
      },
    })
    const word = `changed-${process.pid}-${Date.now()}`
    await expect(run(engine, [...shell('while :; do :; done'), word])).rejects.toBe(changed)
    expect(looks).toBe(2)
    expect(calledWith(word)).toEqual([])
  })

  it('is become by python where there is no perl', async (context) => {
    const programs = { ...availablePrograms(), perl: undefined }
    if (programs.python === undefined) context.skip('python3 is not installed')
    const engine = await openEngine({ programs })
    const code = `${SAY} open(S, "<", "/proc/self/status"); print grep(/^CapPrm/, <S>), join("|", @ARGV, %ENV), $< == $>`
    expect(await run(engine, [...perl(code), 'a b'], { task: { env: { PATH: '' } } })).toBe(
      'CapPrm:\t0000000000000000\na b|PATH|1',
    )
  })
})

describe('a machine that cannot confine a container', () => {
  it('is refused by name', async () => {
    const program = unmeasuredContainerProgram()
    for (const change of [{ perl: undefined, python: undefined }, { unshare: undefined }])
      await expect(
        createContainerEngine({
          program,
          require: 'best-effort',
          programs: { ...availablePrograms(), ...change },
        }),
      ).rejects.toMatchObject({ code: 'ROOM_CONTAINER_SANDBOX', action: 'stop' })
  })

  it('is refused where full confinement is required, and user namespaces are all there is', async () => {
    await expect(
      createContainerEngine({ program: unmeasuredContainerProgram(), require: 'full', only: 'user' }),
    ).rejects.toMatchObject({ code: 'ROOM_CONTAINER_SANDBOX', action: 'stop' })
  })
})
