import { Argument, Command } from "commander";
import { print } from "../terminal/output.ts";

export function completionCommand(): Command {
	return new Command("completion")
		.description('Print a completion script: eval "$(bulkhead completion bash)"')
		.addArgument(new Argument("<shell>").choices(["bash", "zsh", "fish"]))
		.action((shell: Shell, _options: unknown, command: Command) => {
			const program = command.parent ?? command;
			print(SCRIPTS[shell](program.commands.map(wordsOf), optionsOf(program)));
		});
}

type Shell = "bash" | "zsh" | "fish";

interface Words {
	readonly name: string;
	readonly description: string;
	readonly options: readonly string[];
	/** What its first argument can be. */
	readonly choices: readonly string[];
}

function wordsOf(command: Command): Words {
	return {
		name: command.name(),
		description: command.description().split(/[:;,]/)[0] ?? "",
		options: optionsOf(command),
		choices: command.registeredArguments[0]?.argChoices ?? [],
	};
}

function optionsOf(command: Command): readonly string[] {
	return [...command.options.flatMap(({ long }) => (long === null || long === undefined ? [] : [long])), "--help"];
}

type Script = (commands: readonly Words[], options: readonly string[]) => string;

const bash: Script = (commands, options) => `_bulkhead() {
	local word=\${COMP_WORDS[COMP_CWORD]} words
	if [ "$COMP_CWORD" -eq 1 ]; then
		words="${[...commands.map(({ name }) => name), "help", ...options].join(" ")}"
	else
		case \${COMP_WORDS[1]} in
${commands.map(({ name, options: own, choices }) => `			${name}) words="${[...choices, ...own, "--url", "--token"].join(" ")}" ;;`).join("\n")}
			help) words="${commands.map(({ name }) => name).join(" ")}" ;;
		esac
	fi
	COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _bulkhead bulkhead`;

const zsh: Script = (commands, options) => `#compdef bulkhead
autoload -U +X bashcompinit && bashcompinit
${bash(commands, options)}`;

const fish: Script = (commands) =>
	[
		"complete -c bulkhead -l url -r -d 'The host that is meant'",
		"complete -c bulkhead -l token -r -d 'Who asks'",
		...commands.flatMap(({ name, description, options, choices }) => {
			const within = `-n '__fish_seen_subcommand_from ${name}'`;
			return [
				`complete -c bulkhead -f -n __fish_use_subcommand -a ${name} -d '${description.replaceAll("'", "\\'")}'`,
				...(choices.length > 0 ? [`complete -c bulkhead -f ${within} -a '${choices.join(" ")}'`] : []),
				...options.map((option) => `complete -c bulkhead ${within} -l ${option.slice(2)}`),
			];
		}),
	].join("\n");

const SCRIPTS: Readonly<Record<Shell, Script>> = { bash, zsh, fish };
