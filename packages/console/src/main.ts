import { mount } from 'svelte'
import App from './app/App.svelte'
import { lackingFeature } from './app/able.ts'
import { applyTheme } from './app/theme.svelte.ts'
import { openConnection } from './connection/index.ts'
import { words } from './words/index.ts'

const target = document.getElementById('app')!
const lacking = lackingFeature()
if (lacking === undefined) {
  applyTheme()
  target.replaceChildren()
  mount(App, { target, props: { connection: openConnection() } })
} else target.textContent = words.unable(lacking)
