/**
 * Runs in the thread of the sound card: hands the samples of the microphone to the page, some at a time.
 * Its own file: the script policy of the pages allows nothing but files of this origin.
 */

// The types of this thread are in no library of TypeScript.
declare class AudioWorkletProcessor {
  readonly port: MessagePort
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void

/** The card gives 128 at a time, 375 times a second; the page is woken for eight of them. */
const PIECE = 1024

class MicrophoneProcessor extends AudioWorkletProcessor {
  #piece = new Float32Array(PIECE)
  #length = 0

  process([input]: Float32Array[][]): boolean {
    const samples = input?.[0]
    if (samples === undefined) return true
    for (const sample of samples) {
      this.#piece[this.#length++] = sample
      if (this.#length === PIECE) this.#send()
    }
    return true
  }

  #send(): void {
    this.port.postMessage(this.#piece, [this.#piece.buffer])
    this.#piece = new Float32Array(PIECE)
    this.#length = 0
  }
}

registerProcessor('microphone', MicrophoneProcessor)
