"""What mail servers say when they could not deliver: subjects, sentences, and the titles over the mail they return.

Gathered by meaning, not by server: the same few sentences are said in a hundred ways, and new servers say them again.
"""

import re


def _either(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


# Senders that are no person. A postmaster may be one: what comes from there alone proves nothing.
DAEMON = _either(
    r"mailer[._-]?daemon", r"mail[._-]?daemon", r"mail[._ ]deliver(?:y)?[._ ](?:sub)?(?:system|service)", r"mail system", r"undeliver",
    r"bounce[._-]?(?:handler|notification)", r"content-filter", r"interscan",
)  # fmt: skip
POSTMASTER = _either(r"post[._-]?master", r"system administrator", r"mail[._ -]?(?:router|gateway|administrator)")
ROBOT = _either(r"no[._-]?reply", r"do[._-]?not[._-]?reply", r"^(?:system|root|admin|mailadmin)@", r"[._-]admin@")
DAEMON_PATH = _either(r"mailer-daemon", r"<null>", r"post[._-]?master@")

SUBJECT = _either(
    r"undeliver(?:ed|able)", r"non-?deliver", r"return(?:ed|ing)? (?:mail|to sender|message)",
    r"(?:mail|message|e-?mail|delivery) (?:delivery )?(?:has |could |is |was |have )?(?:been )?"
    r"(?:fail|not |delay|error|problem|refus|reject|undeliv)",
    r"(?:failure|failed|fail) (?:notice|deliver|mail|message)",
    r"deliver\w* (?:status|report|notification|notice|fail|error|problem|has|was|unsuccess|expired)",
    r"could(?: not|n't) (?:be )?(?:send|sent|deliver)", r"(?:not|never|cannot|can't|unable to) (?:be )?deliver", r"error sending",
    r"mail (?:system )?(?:error|failure)", r"delayed mail", r"warning.{0,6}(?:could not|message|mail|delay)", r"postmaster notify",
    r"mail status report", r"user unknown", r"unknown user", r"unsolicited bulk",
    r"message (?:you sent )?(?:was )?(?:blocked|rejected|refused|status)", r"mailbox (?:is )?(?:full|unavailable)", r"bounced?\b",
    r"quota exceeded", r"^complaint about message from",
    r"ei voitu toimittaa", r"toimitus epäonnistui", r"toimitt\w+ epäonnistui", r"ei toimitettu", r"toimitusvirhe",
    r"palautettu (?:viesti|sähköposti)", r"viestin toimit",
    r"kunde inte (?:levereras|skickas)", r"kan inte levereras", r"olevererba", r"oleverans", r"går inte att leverera",
    r"leverans\w* misslyckades", r"returnera[dt]", r"leveransbesked",
    r"unzustellbar", r"nicht zugestellt", r"zustellung", r"rückläufer", r"non remis", r"échec", r"non recapitabile", r"mancat",
    r"no se (?:pudo|puede) entregar", r"kunne ikke leveres", r"недоставлен", r"送信", r"配信", r"エラー", r"不達",
)  # fmt: skip

SENTENCE = _either(
    r"(?:could|can|was|were|has|have|did|do|would|may)(?: ?not|n't) (?:be |been )?(?:able to )?(?:deliver|reach|sent\b|send\b|accept)",
    r"(?:unable|failed|impossible|trouble) (?:to )?(?:deliver|send|relay)", r"undeliver(?:ed|able)", r"un(?:able|successful) deliver",
    r"deliver\w* (?:to .{0,80})?(?:has |have |was |were )?(?:been )?"
    r"(?:failed|failure|delayed|unsuccessful|status|error|aborted|cancel|temporarily|attempt)",
    r"(?:following|these|some|one or more)(?: of)? (?:the |your |its |intended )*(?:address|recipient|destination|user)",
    r"(?:user|recipient|mailbox|host|address|domain|account)(?: name)?(?:'s)?[^\n]{0,60}(?:unknown|not found|not exist|unavailable|is full"
    r"|was full|disabled|rejected|inactive|over ?quota|not recogni[sz]ed|invalid|no such|doesn't (?:exist|have))",
    r"(?:no such|unknown|invalid) (?:user|recipient|address|mailbox|account|host|local part)", r"mailbox (?:is )?full", r"quota exceeded",
    r"relaying denied", r"transcript of session", r"original message (?:follows|was received)", r"permanent(?: fatal)? error",
    r"(?:fatal|delivery) errors?\b", r"reporting-mta", r"final-recipient", r"diagnostic-code",
    r"remote (?:host|server|mta) (?:said|replied|respon)", r"server (?:said|respon|error|message)",
    r"message (?:could|will|has|was|is)[^\n]{0,40}(?:reject|refus|delet|return|bounc|block|queue|expire)",
    r"(?:returned|returning) (?:message|mail|to sender)", r"giving up on", r"<<< ?[45]\d\d",
    r"(?<![\d.])[45]\d\d[ -]#?[45]\.\d{1,3}\.\d{1,3}",
    r"(?<![\d.])5[0-5]\d (?:<|user|unknown|no |sorry|invalid|recipient|requested|mailbox|host)",
    r"ei voitu toimittaa", r"toimitus epäonnistui", r"kunde inte levereras", r"kan inte levereras", r"nicht zugestellt", r"non remis",
    r"送信できません", r"配信できません", r"見つかりません",
)  # fmt: skip

# The title over the mail that comes back, at the start of a line; what stands above is the notice.
_TITLES = "|".join((
    r"(?:the )?(?:header|text|start|copy)s? of (?:the |your )?(?:original )?(?:message|mail)",
    r"(?:original|unsent|returned|undelivered|your) (?:message|mail)(?: (?:text|header|body)s?)?"
    r"(?: (?:follows|is (?:below|attached)|headers?))?",
    r"(?:message|mail) (?:text|header|body|source)s? follows?", r"below this line is (?:a copy|the)",
    r"this is a copy of (?:the|your) (?:message|mail)", r"returned message", r"included is a copy", r"copy of (?:the )?message",
    r"message header", r"forwarded message", r"received:",
))  # fmt: skip
ORIGINAL_TITLE = re.compile(rf"^[\s>*|=_-]{{0,80}}(?:{_TITLES})[^\n]{{0,80}}$", re.IGNORECASE | re.MULTILINE)
HEAD_IN_TEXT = re.compile(r"^[>\s]{0,6}(?:received|message-id|return-path|x-mailer|mime-version)[ \t]{0,4}:", re.IGNORECASE | re.MULTILINE)
ID_IN_TEXT = re.compile(r"^[>\s]{0,6}message-id[ \t]{0,4}:[ \t\n>]{0,10}(<[^<>\s]{1,990}>)", re.IGNORECASE | re.MULTILINE)

DELAYED = _either(
    r"delay", r"still being retried", r"will (?:keep|continue) (?:to )?try", r"warning.{0,20}(?:could not|not yet)",
    r"not yet been delivered", r"will be retried", r"temporarily", r"viivästy", r"försena",
)  # fmt: skip
FOR_GOOD = _either(r"fail", r"permanent", r"giving up", r"given up", r"returned", r"could not be delivered", r"undeliver", r"bounced")
