export { type InputFlag, parseInputFlag, tensorOfFile, tensorOfJson } from './parse-input.ts'
export { jsonElements, showOutput } from './show-output.ts'
