/** The part of markdown-it that is used here: the package has no types of its own. */
declare module 'markdown-it' {
  export interface Token {
    type: string
    tag: string
    content: string
    info: string
    hidden: boolean
    children: Token[] | null
    map: [number, number] | null
    attrGet(name: string): string | null
    attrSet(name: string, value: string): void
    attrs: [string, string][] | null
  }
  export type RenderRule = (tokens: Token[], index: number, options: object, env: object) => string
  export default class MarkdownIt {
    constructor(options: { html: boolean; linkify: boolean; typographer: boolean })
    parse(markdown: string, env: object): Token[]
    renderer: {
      rules: Record<string, RenderRule | undefined>
      render(tokens: Token[], options: object, env: object): string
    }
    options: object
  }
}
