import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type CommonOptions, type Context, outputOf } from '../context.ts'
import { addNodeSettings, type NodeSettings, settingsOf } from '../node-settings.ts'
import { jsonOption } from '../options.ts'

interface InitOptions extends CommonOptions, NodeSettings {
  readonly dir: string
  readonly label?: string
}

/** `holdfast init`: the directory of a new node, with its keys. */
export function addInit(program: Command, context: Context): void {
  addNodeSettings(
    program
      .command('init')
      .description('make the directory of a new node: its keys, its settings, its member.json')
      .requiredOption('--dir <dir>', 'directory to make'),
  )
    .option('--label <text>', 'a name for people; default: the name of the directory')
    .addOption(jsonOption())
    .action(async (options: InitOptions) => {
      const out = outputOf(context, options)
      const { dir, keysDir, member } = await context.actions.initialiseNode({
        dir: options.dir,
        label: options.label ?? resolve(options.dir).split('/').pop() ?? 'node',
        settings: settingsOf(options),
      })
      const guestSig = Buffer.from(member.guestSig).toString('hex')
      const measurement = Buffer.from(member.measurement).toString('hex')
      const memberFile = `${dir}/member.json`
      out.result({ dir, keysDir, memberFile, peerId: member.peerId, guestSig, measurement }, [
        `${out.paint.green('made')} a node in ${dir}`,
        `  peer        ${member.peerId}`,
        `  guest       ${guestSig}`,
        `  measurement ${measurement}`,
        `  keys        ${keysDir}  (back it up apart from ${dir}; never copy both to one place)`,
        `next: give ${memberFile} to whoever assembles the genesis, then put the genesis file here`,
        `      with "holdfast genesis adopt --dir ${dir} --genesis FILE"`,
      ])
    })
}
