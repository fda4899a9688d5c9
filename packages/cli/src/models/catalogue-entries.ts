import type { CatalogueEntry, PinnedFile } from './catalogue.ts'

/*
 * Digests as several public lock files of other projects pin them for the same commit; compared with each
 * other, never made up. A file without one is taken only with the user's consent: see `pin-listing.ts`.
 */

/** All Whisper exports share these two. */
const WHISPER_TOKENIZER = pin(
  'tokenizer.json',
  2_480_466,
  '27fc476bfe7f17299480be2273fc0608e4d5a99aba2ab5dec5374b4482d1a566',
)
const WHISPER_PREPROCESSOR = pin(
  'preprocessor_config.json',
  339,
  'a6a76d28c93edb273669eb9e0b0636a2bddbb1272c3261e47b7ca6dfdbac1b8d',
)
const TRANSCRIBES = { engine: 'whisper', task: 'transcription' } as const
const SUMMARIZES = { engine: 'seq2seq', task: 'summarization' } as const
const CHATS = { engine: 'gguf', task: 'text-generation' } as const

/** Models by the name that `sotto models pull` takes. */
export const ENTRIES: readonly CatalogueEntry[] = [
  {
    name: 'whisper-tiny',
    repository: 'onnx-community/whisper-tiny',
    revision: 'ff4177021cc41f7db950912b73ea4fdf7d01d8e7',
    license: 'Apache-2.0',
    ...TRANSCRIBES,
    isComplete: true,
    files: [
      pin('config.json', 2243, '46aeea0a406afbeb563fc8e59ca10609203df4299af6a83f73752fef369efd2d'),
      pin('generation_config.json', 3772, 'f5c67e5a4f7102f8cb4d058bc95da276bbc19eeec997267c3bb0f25ef68facd1'),
      WHISPER_PREPROCESSOR,
      WHISPER_TOKENIZER,
      pin(
        'tokenizer_config.json',
        282_683,
        '2a4c4281cf9f51ac6ccc406fdc711a087afe6530f671fa7b80953edc498275ce',
      ),
      pin(
        'onnx/encoder_model_quantized.onnx',
        10_124_990,
        '2af4a414ca47aa30f61246017e5fe82b0a8d229281d1255ba666a2a7f6b84d19',
      ),
      pin(
        'onnx/decoder_model_merged_quantized.onnx',
        30_719_241,
        '25e807a962b6349356d0ea5d0dfe530b7e5bf0e2a484aeca0359d03143faddd3',
      ),
    ],
  },
  {
    name: 'whisper-base',
    repository: 'onnx-community/whisper-base',
    revision: '1846881b6b3a3024392c1eea3ad983695bc23925',
    license: 'Apache-2.0',
    ...TRANSCRIBES,
    isComplete: true,
    files: [
      pin('config.json', 2243, 'f4d0608f7d918166da7edb3e188de5ef1bfe70d9802e785d271fd88111e9cf4b'),
      pin('generation_config.json', 3832, '61070cf8de25b1e9256e8e102ded49d8d24a8369ed36ef84fdf21549e68125a0'),
      WHISPER_PREPROCESSOR,
      WHISPER_TOKENIZER,
      pin(
        'tokenizer_config.json',
        282_682,
        '2e036e4dbacfdeb7242c7d4ec4149f4a16e86026048f94d1637e3a8ee9c6a573',
      ),
      pin(
        'onnx/encoder_model_quantized.onnx',
        23_201_314,
        '5862993336bf33acd23736071aae2b32261d3b1b2f37780194460d4ef974dd46',
      ),
      pin(
        'onnx/decoder_model_merged_quantized.onnx',
        53_693_315,
        'fa3ef9902734ce5ae6f9ef2bdb2ba9a6c4b5785b09f4f420ce036573dc9d090b',
      ),
    ],
  },
  {
    name: 'whisper-small',
    repository: 'onnx-community/whisper-small',
    revision: '36050c46d777d46dc4b5f43f6d90574fc38f8732',
    license: 'Apache-2.0',
    ...TRANSCRIBES,
    isComplete: true,
    files: [
      pin('config.json', 2227, '457854d452f17661e197d74aee12b8e74fb75ba30ebfaa7426d0d61ea1e08a18'),
      pin('generation_config.json', 3893, 'f538b28220c6a6d6f1af1458d4141cacb4ef4963df3de98a19490440c412ddf0'),
      WHISPER_PREPROCESSOR,
      WHISPER_TOKENIZER,
      pin(
        'tokenizer_config.json',
        282_683,
        '2a4c4281cf9f51ac6ccc406fdc711a087afe6530f671fa7b80953edc498275ce',
      ),
      pin(
        'onnx/encoder_model_quantized.onnx',
        92_326_160,
        'a43a83f3c5361cd591cfa7c36f14b43cf7cb22f47a415cc14a8d557be800fa92',
      ),
      pin(
        'onnx/decoder_model_merged_quantized.onnx',
        156_750_845,
        'ec07c3cbb64172c39791e26ee870a65ac22b458c36722bfe2776b3dbf741e0c9',
      ),
    ],
  },
  {
    name: 'wav2vec2-base',
    repository: 'onnx-community/wav2vec2-base-960h-ONNX',
    revision: '729c1a6730fb549c20a1c73a3d3f96f11020225e',
    license: 'Apache-2.0',
    engine: 'ctc',
    task: 'transcription',
    isComplete: true,
    files: [
      pin('config.json', 2157, '15c7cf6378153bdcb33fce27780ab9aae37fd154fbb674cacc3347992055d323'),
      pin(
        'preprocessor_config.json',
        215,
        '8cdfd65ff4115423185a1512bdae100e2e0cd744f5b322417429944aaafd0827',
      ),
      pin('vocab.json', 358, '4178db26b3c7570f6a47f14ac6a1c7b32950b8c2800fb097287e53776934f1c5'),
      pin(
        'onnx/model_quantized.onnx',
        95_212_816,
        '1d9a366c27b2966625cd5035ac3db8847c53bba617169912bb251b42975a3a22',
      ),
    ],
  },
  {
    name: 't5-small',
    repository: 'Xenova/t5-small',
    revision: '4e0d91096b13cb313b43a14f35fdbb311a6d9728',
    license: 'Apache-2.0',
    ...SUMMARIZES,
    isComplete: false,
    files: [],
  },
  {
    name: 'bart-large-cnn',
    repository: 'Xenova/bart-large-cnn',
    revision: 'a7823edec55686ab84d3307fbccfd4af3b81e6dc',
    license: 'MIT',
    ...SUMMARIZES,
    isComplete: false,
    files: [],
  },
  {
    name: 'all-minilm',
    repository: 'Xenova/all-MiniLM-L6-v2',
    revision: '751bff37182d3f1213fa05d7196b954e230abad9',
    license: 'Apache-2.0',
    engine: 'embedding',
    task: 'embedding',
    isComplete: true,
    files: [
      pin('config.json', 650, '7135149f7cffa1a573466c6e4d8423ed73b62fd2332c575bf738a0d033f70df7'),
      pin('tokenizer.json', 711_661, 'da0e79933b9ed51798a3ae27893d3c5fa4a201126cef75586296df9b4d2c62a0'),
      pin('tokenizer_config.json', 366, '9261e7d79b44c8195c1cada2b453e55b00aeb81e907a6664974b4d7776172ab3'),
      pin(
        'onnx/model_quantized.onnx',
        22_972_370,
        'afdb6f1a0e45b715d0bb9b11772f032c399babd23bfc31fed1c170afc848bdb1',
      ),
    ],
  },
  {
    name: 'qwen2.5-0.5b',
    repository: 'Qwen/Qwen2.5-0.5B-Instruct-GGUF',
    revision: '9217f5db79a29953eb74d5343926648285ec7e67',
    license: 'Apache-2.0',
    ...CHATS,
    isComplete: true,
    files: [
      pin(
        'qwen2.5-0.5b-instruct-q4_k_m.gguf',
        491_400_032,
        '74a4da8c9fdbcd15bd1f6d01d621410d31c6fc00986f5eb687824e7b93d7a9db',
      ),
    ],
  },
  {
    name: 'qwen2.5-1.5b',
    repository: 'Qwen/Qwen2.5-1.5B-Instruct-GGUF',
    revision: '91cad51170dc346986eccefdc2dd33a9da36ead9',
    license: 'Apache-2.0',
    ...CHATS,
    isComplete: true,
    files: [
      pin(
        'qwen2.5-1.5b-instruct-q4_k_m.gguf',
        1_117_320_736,
        '6a1a2eb6d15622bf3c96857206351ba97e1af16c30d7a74ee38970e434e9407e',
      ),
    ],
  },
  {
    name: 'qwen3-0.6b',
    repository: 'Qwen/Qwen3-0.6B-GGUF',
    revision: '23749fefcc72300e3a2ad315e1317431b06b590a',
    license: 'Apache-2.0',
    ...CHATS,
    isComplete: true,
    files: [
      pin(
        'Qwen3-0.6B-Q8_0.gguf',
        639_446_688,
        '9465e63a22add5354d9bb4b99e90117043c7124007664907259bd16d043bb031',
      ),
    ],
  },
]

function pin(path: string, size: number, sha256: string): PinnedFile {
  return { path, size, sha256 }
}
