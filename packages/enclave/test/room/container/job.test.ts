import { closeSync, openSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { containerError } from '../../../src/room/container/errors.ts'
import { JobCapsule } from '../../../src/room/container/job.ts'
import { calledWith } from './hosted.ts'

/** A capsule that is a script: what it says is the test's to choose, as it is of one that was taken over. */
function capsule(script: string, program = '/bin/sh'): JobCapsule {
  const archive = openSync('/dev/null', 'r')
  const job = JobCapsule.start([program, '-c', `echo $$ >&3; ${script}`, 'capsule'], archive)
  onTestFinished(async () => {
    await job.close()
    closeSync(archive)
  })
  return job
}

const WAIT = 'while :; do sleep 0.1; done'
const start = { code: 'ROOM_CONTAINER_START', action: 'retry' }

describe('the capsule of a job', () => {
  it('is no start where it ends without a word, or cannot be executed', async () => {
    await expect(capsule('exit 0').unpacked()).rejects.toMatchObject(start)
    await expect(capsule('kill -9 $$').unpacked()).rejects.toMatchObject(start)
    await expect(capsule('', '/no/such/program').unpacked()).rejects.toMatchObject(start)
  })

  it.each(['ROOM_CONTAINER_LAYOUT', 'ROOM_CONTAINER_DIGEST'])(
    'says with %s what is wrong with its image',
    async (code) => {
      const job = capsule(`echo "${code} a layer with words" >&3; exit 1`)
      await expect(job.unpacked()).rejects.toMatchObject({ code, found: 'a layer with words' })
    },
  )

  it.each([
    ['another code', 'ROOM_CONTAINER_OUTPUT words'],
    ['no code', 'words'],
    ['characters that our words do not have', 'ROOM_CONTAINER_LAYOUT <script>'],
    ['more words than ours', `ROOM_CONTAINER_LAYOUT ${'x'.repeat(201)}`],
    ['an end before it begins', 'ended 0'],
  ])('is no start where it says %s', async (_, words) => {
    await expect(capsule(`echo '${words}' >&3; ${WAIT}`).unpacked()).rejects.toMatchObject(start)
  })

  it('is ended where it says too much', async () => {
    const job = capsule(`while :; do echo -n xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx >&3; done`)
    await expect(job.unpacked()).rejects.toMatchObject({ ...start, found: 'too many words' })
  })

  it('gets no input where it shares a namespace with its host', async () => {
    await expect(capsule(`echo unpacked >&3; ${WAIT}`).unpacked()).rejects.toMatchObject({
      code: 'ROOM_CONTAINER_SANDBOX',
      action: 'stop',
    })
  })

  it('has ended well only where it says so after it began', async () => {
    await expect(capsule(`echo begun >&3; echo 'ended 0' >&3; ${WAIT}`).finished()).resolves.toBeUndefined()
    for (const words of ['ended 1', 'ended 00', 'ended'])
      await expect(capsule(`echo begun >&3; echo '${words}' >&3; ${WAIT}`).finished()).rejects.toMatchObject({
        code: 'ROOM_CONTAINER_ENDED',
      })
    await expect(capsule('echo begun >&3').finished()).rejects.toMatchObject({ code: 'ROOM_CONTAINER_ENDED' })
    await expect(capsule('exit 0').finished()).rejects.toMatchObject(start)
  })

  it('fails with the first reason for which it was ended, and is gone then', async () => {
    const word = `capsule-${process.pid}-${Date.now()}`
    const job = capsule(`echo begun >&3; : ${word}; ${WAIT}`)
    const finished = expect(job.finished()).rejects.toMatchObject({ code: 'ROOM_CONTAINER_TIMEOUT' })
    job.end(containerError('ROOM_CONTAINER_TIMEOUT'))
    job.end(containerError('ROOM_CONTAINER_MEMORY'))
    await finished
    await job.close()
    expect(calledWith(word)).toEqual([])
  })
})
