export { APP_VARIABLE, isReservedVariable, OWN_VARIABLES } from './names.ts'
export { appWordsBytes, MAX_APP_WORDS_BYTES } from './words.ts'
