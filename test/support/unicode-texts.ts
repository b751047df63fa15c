/** Texts from all of Unicode. Imports nothing, since a module in a worker is made of it too. */

/** Every code point there is, surrogates left out, in texts of 256: no longer than 1024 bytes of UTF-8. */
export function everyCodePoint(): readonly string[] {
	const texts: string[] = [];
	for (let first = 0; first <= LAST_CODE_POINT; first += CODE_POINTS_PER_TEXT) {
		if (isSurrogate(first)) continue; // whole blocks of 256 are, or none of it
		texts.push(String.fromCodePoint(...Array.from({ length: CODE_POINTS_PER_TEXT }, (_, index) => first + index)));
	}
	return texts;
}

/**
 * Short texts, each another one, of what means something in the formats, of all planes, and of lone surrogates.
 *
 * @param random from 0 up to 1
 */
export function mixedTexts(count: number, random: () => number): readonly string[] {
	const below = (limit: number): number => Math.floor(random() * limit);
	const texts = new Set<string>();
	while (texts.size < count) {
		const units = Array.from({ length: 1 + below(8) }, () =>
			random() < 0.6
				? (MEANINGFUL[below(MEANINGFUL.length)] ?? "")
				: random() < 0.2
					? String.fromCharCode(FIRST_SURROGATE + below(LAST_SURROGATE - FIRST_SURROGATE + 1))
					: String.fromCodePoint(below(LAST_CODE_POINT + 1)),
		);
		texts.add(units.join(""));
	}
	return [...texts];
}

const LAST_CODE_POINT = 0x10ffff;
const CODE_POINTS_PER_TEXT = 256;
const FIRST_SURROGATE = 0xd800;
const LAST_SURROGATE = 0xdfff;
/** To the formats, to JSON, to those who split lines or cut off blanks, and to those who normalise. */
const MEANINGFUL = [
	..."\\\"\n\r\t\0{}=,# nabu0'",
	..."\u007f\u0080\u0085\u00a0\u0301\u200b\u200d\u2028\u2029\u202e\ufeff\ufffd\ufffe\uffff\u{1f600}\u{10ffff}",
];

function isSurrogate(codePoint: number): boolean {
	return codePoint >= FIRST_SURROGATE && codePoint <= LAST_SURROGATE;
}
