import { SETTING_NAMES } from '../config/index.ts'
import { type Command, defineCommand } from '../framework/index.ts'

/** `sotto config view` */
export const configView: Command = defineCommand({
  path: ['config', 'view'],
  summary: 'Show the settings in effect',
  flags: { 'show-origin': { type: 'boolean', summary: 'say where each one comes from' } },
  async run(context, _args, flags) {
    const config = await context.config()
    const found = SETTING_NAMES.flatMap((name) => {
      const setting = config.get(name)
      return setting === undefined ? [] : [{ name, ...setting }]
    })
    if (context.global.json) {
      context.json(Object.fromEntries(found.map(({ name, value, origin }) => [name, { value, origin }])))
      return
    }
    for (const { name, value, origin } of found) {
      context.out(`${name}=${value}${flags['show-origin'] ? `\t${origin}` : ''}`)
    }
  },
})
