"""The stub twin: the first sentence of each part's best passage, and nothing clever. For tests and for measuring the rest."""

from appliance.engines.words import Words
from appliance.engines.writer.protocol import Refusal, Writer, WritingRequest, Written
from appliance.records.answer import DraftSentence


class StubWriter:
    """Deterministic: the same request gives the same draft."""

    name = "stub"
    version = "1"
    prompt = ""

    def __init__(self, words: Words) -> None:
        self._words = words

    def write(self, request: WritingRequest) -> Written:
        """One sentence a part, each from the best passage."""
        body: dict[str, DraftSentence] = {}
        unanswered = []
        for place, part in enumerate(request.parts):
            fit = [found for found in part.found if found.score >= request.minimum and found.passage.language == request.language]
            sentences = self._words.sentences(fit[0].passage.text) if fit else []
            if sentences:
                body.setdefault(sentences[0], DraftSentence(text=sentences[0], passages=(fit[0].passage.id,)))
            else:
                unanswered.append(place)
        refusal = Refusal(reason="unanswered_part", unanswered=tuple(unanswered)) if unanswered else None
        if not body:
            return Written(refusal=refusal)
        frame = [DraftSentence(text=text, courtesy=True) for text in (request.courtesy.greeting, request.courtesy.closing)]
        return Written(sentences=tuple(sentence for sentence in (frame[0], *body.values(), frame[1]) if sentence.text), refusal=refusal)


def _is_a_writer(words: Words) -> Writer:
    """For the type checker: this class is a writer."""
    return StubWriter(words)
