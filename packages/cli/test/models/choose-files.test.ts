import { describe, expect, it } from 'vitest'
import { chooseGgufFile, chooseOnnxFiles, type Variant } from '../../src/models/choose-files.ts'
import { engineOf } from '../../src/models/engine-of.ts'
import type { HubFile } from '../../src/models/hub.ts'

const file = (path: string): HubFile => ({ path, size: 1, digest: { kind: 'sha256', hex: '0'.repeat(64) } })
const WHISPER = { engine: 'whisper', task: 'transcription' } as const
const SENTENCES = { engine: 'embedding', task: 'embedding' } as const

const graphs = (
  paths: string[],
  choice: Parameters<typeof chooseOnnxFiles>[1],
  variant?: Variant,
): string[] => chooseOnnxFiles(paths.map(file), choice, variant).map(({ path, role }) => `${path} ${role}`)

describe('the files of an ONNX export', () => {
  const both = ['encoder_model', 'decoder_model_merged', 'decoder_model', 'decoder_with_past_model'].flatMap(
    (name) => [`onnx/${name}.onnx`, `onnx/${name}_quantized.onnx`, `onnx/${name}_q4.onnx`],
  )

  it('are the quantised ones, merged', () => {
    expect(graphs(both, WHISPER)).toEqual([
      'onnx/encoder_model_quantized.onnx encoder',
      'onnx/decoder_model_merged_quantized.onnx decoder',
    ])
  })

  it('are of the variant asked for', () => {
    expect(graphs(both, WHISPER, 'fp32')).toEqual([
      'onnx/encoder_model.onnx encoder',
      'onnx/decoder_model_merged.onnx decoder',
    ])
    expect(() => graphs(both, WHISPER, 'fp16')).toThrow(
      expect.objectContaining({ code: 'CLI_MODEL', expected: expect.stringContaining('as fp16') }),
    )
  })

  it('never mix variants: a set that is not whole is passed over', () => {
    const paths = ['encoder_model_quantized.onnx', 'encoder_model.onnx', 'decoder_model.onnx']
    expect(graphs(paths, WHISPER)).toEqual(['encoder_model.onnx encoder', 'decoder_model.onnx decoder'])
    expect(() => graphs(['encoder_model.onnx', 'decoder_with_past_model.onnx'], WHISPER)).toThrow(
      expect.objectContaining({ code: 'CLI_MODEL' }),
    )
  })

  it('include external data of these graphs and of no others', () => {
    const paths = [
      'model.onnx',
      'model.onnx_data',
      'model.onnx_data_1',
      'model_fp16.onnx_data',
      'model.onnx.md',
    ]
    expect(graphs(paths, SENTENCES)).toEqual([
      'model.onnx weights',
      'model.onnx_data weights-data',
      'model.onnx_data_1 weights-data',
    ])
  })

  it('include the pooling of sentence-transformers under a plain name', () => {
    const chosen = chooseOnnxFiles(['1_Pooling/config.json', 'model.onnx'].map(file), SENTENCES)
    expect(chosen.map(({ path, name }) => [path, name])).toContainEqual([
      '1_Pooling/config.json',
      'pooling.json',
    ])
  })
})

describe('GGUF', () => {
  it.each([
    ['a file that is not there', ['a.gguf'], 'b.gguf'],
    ['nothing', ['README.md'], undefined],
    ['one part of several', ['m-00001-of-00003.gguf'], undefined],
    ['a name that no model file can have', ['dir/ä.gguf'], undefined],
  ])('refuses %s', (_, paths, wanted) => {
    expect(() => chooseGgufFile(paths.map(file), wanted)).toThrow(
      expect.objectContaining({ code: 'CLI_MODEL' }),
    )
  })

  it('takes a file from a folder under its own name', () => {
    expect(chooseGgufFile([file('q4/m.gguf')])).toMatchObject([{ name: 'm.gguf', role: 'weights' }])
  })
})

describe('the engine', () => {
  it.each([
    [{ model_type: 'whisper', architectures: ['WhisperForConditionalGeneration'] }, 'whisper'],
    [{ model_type: 'wav2vec2', architectures: ['Wav2Vec2ForCTC'] }, 'ctc'],
    [{ model_type: 't5' }, 'seq2seq'],
    [{ model_type: 'bart', architectures: ['BartForConditionalGeneration'] }, 'seq2seq'],
    [{ model_type: 'mpnet', architectures: ['MPNetForMaskedLM'] }, 'embedding'],
  ])('of %j is %s', (config, engine) => {
    expect(engineOf(config).engine).toBe(engine)
  })

  it.each([
    {},
    { model_type: 'llama' },
    { model_type: '__proto__' },
    { model_type: 'wav2vec2', architectures: ['Wav2Vec2ForPreTraining'] },
    { model_type: 'bert', architectures: ['BertForSequenceClassification'] },
    { model_type: 'bart', architectures: ['BartForSequenceClassification'] },
  ])('of %j is none', (config) => {
    expect(() => engineOf(config)).toThrow(expect.objectContaining({ code: 'CLI_MODEL' }))
  })
})
