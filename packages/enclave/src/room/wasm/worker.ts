/**
 * Entry of the process of one module. It is started for one run, answers what the room asks over descriptor 3, and is killed.
 * It gives the module the functions of WASI that are here, and nothing else; that it has no files and no network itself is
 * the matter of the sandbox that it is started in.
 */
import { Socket } from 'node:net'
import { GrowingBytes } from '../../ram/growing-bytes.ts'
import { encodeMessage, encodePiece, FrameReader } from '../process/index.ts'
import { isRoomWasmErrorCode, roomWasmError } from './errors.ts'
import { type CompiledModule, compileModule, executeModule } from './execute.ts'
import { MODULE_LIMITS } from './limits.ts'
import type { Answer, Question } from './messages.ts'

/** The socket that the room gave us. */
const CHANNEL_DESCRIPTOR = 3
/** Bytes of a piece of the output. */
const PIECE_BYTES = 1024 * 1024

process.on('uncaughtException', die)
process.on('unhandledRejection', die)

const socket = new Socket({ fd: CHANNEL_DESCRIPTOR, readable: true, writable: true })
const reader = new FrameReader(() => roomWasmError('ROOM_WASM_CRASHED'))
let code = new GrowingBytes(MODULE_LIMITS.moduleBytes, () => {})
let compiled: CompiledModule | undefined
let turn: Promise<void> = Promise.resolve()

socket.on('close', die)
socket.on('end', die)
socket.on('error', die)
socket.on('data', (chunk: Uint8Array) => {
  for (const frame of reader.push(chunk)) {
    // The room is trusted here: it could do anything to this process anyway.
    if ('bytes' in frame) code.add(frame.bytes)
    else turn = turn.then(() => reply(frame.message as Question))
  }
})

async function reply(question: Question): Promise<void> {
  let answer: Answer
  try {
    answer = await answerTo(question)
  } catch (error) {
    const failed = (error as { code?: unknown }).code
    answer = { say: 'failed', code: isRoomWasmErrorCode(failed) ? failed : 'ROOM_WASM_CRASHED' }
  }
  await write(encodeMessage(answer))
}

async function answerTo(question: Question): Promise<Answer> {
  if (question.ask === 'load') {
    const bytes = code.bytes()
    code = new GrowingBytes(0, () => {})
    compiled = compileModule(bytes, question.limits)
    return { say: 'loaded' }
  }
  if (compiled === undefined) throw roomWasmError('ROOM_WASM_CRASHED')
  const { output } = executeModule(compiled, question)
  for (let at = 0; at < output.length; at += PIECE_BYTES)
    await write(encodePiece(output.subarray(at, at + PIECE_BYTES)))
  return { say: 'ran' }
}

async function write(bytes: Uint8Array): Promise<void> {
  if (socket.write(bytes)) return
  await new Promise<void>((resolve) => {
    socket.once('drain', () => resolve())
  })
}

function die(): void {
  process.kill(process.pid, 'SIGKILL')
}
