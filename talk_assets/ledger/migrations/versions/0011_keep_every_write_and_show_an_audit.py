"""Keep every write with what was sent and answered, and show changes, writes and links to who audits.

Revision: 0011, after 0010.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_CHANGE = """
    select h.division, h.id, h.at, h.run, h.subject, h.cluster_id, h.property,
        case when h.loser is null then 'changed' else 'overruled' end as kind,
        h.before, h.after, split_part(h.winner, '.', 1) as source, h.winner,
        cast(h.detail ->> 'winner_changed' as timestamptz) as winner_changed_at,
        cast(h.detail ->> 'winner_read_at' as timestamptz) as winner_read_at,
        h.detail ->> 'winner_read_run' as winner_read_run,
        h.loser, h.loser_value,
        cast(h.detail ->> 'loser_changed' as timestamptz) as loser_changed_at,
        cast(h.detail ->> 'loser_read_at' as timestamptz) as loser_read_at,
        h.rule, h.detail ->> 'who' as who, h.detail ->> 'run' as undone_run
    from talk.history h where h.kind = 'decision'
    union all
    select g.division, null, g.at, g.run, g.subject, g.cluster_id, f.property, 'first', null, f.after,
        split_part(f.winner, '.', 1), f.winner,
        cast(g.read -> f.winner ->> 'changed' as timestamptz),
        cast(g.read -> f.winner ->> 'read_at' as timestamptz),
        g.read -> f.winner ->> 'read_run',
        null, null, null, null, 'first', null, null
    from (
        select g.*, coalesce(cast(g.first ->> 'at' as timestamptz), c.created_at) as at,
            coalesce(g.first ->> 'run', c.created_run) as run, coalesce(g.first -> 'read', '{}') as read
        from talk.golden g join talk.cluster c on c.id = g.cluster_id
    ) g
    -- One look into history per cluster: most have none.
    left join lateral (
        select jsonb_object_agg(e.property, to_jsonb(e)) as of
        from (
            select h.property,
                (array_agg(h.loser is not null and h.before is null order by h.id))[1] as told,
                bool_or(h.loser is null) as moved,
                (array_agg(h.before order by h.id) filter (where h.loser is null))[1] as before,
                (array_agg(h.detail ->> 'former_winner' order by h.id) filter (where h.loser is null))[1] as former
            from talk.history h
            where h.division = g.division and h.cluster_id = g.cluster_id and h.kind = 'decision'
            group by h.property
        ) e
    ) d on true
    cross join lateral (
        select name.property,
            case when (d.of -> name.property ->> 'moved')::boolean then d.of -> name.property ->> 'before'
                else g.values ->> name.property end as after,
            case when (d.of -> name.property ->> 'moved')::boolean then d.of -> name.property ->> 'former'
                else g.winners ->> name.property end as winner
        from jsonb_object_keys(g.values || g.times) name(property)
        -- Where others lost at once, the decision tells the first value.
        where (d.of -> name.property ->> 'told')::boolean is not true
    ) f
    where f.after <> ''
"""

_WRITE = """
    select r.division, r.id, r.sent_at, r.answered_at, r.run, r.subject, r.cluster_id,
        split_part(r.entity, '.', 1) as system, r.entity, r.key, r.document, r.operation, r.values, r.lines,
        r.status, coalesce(r.outcome, 'unknown') as outcome, r.words,
        case when r.outcome is distinct from 'done'
            and i.outcome in ('found after an interruption', 'did not arrive', 'linked', 'linked by hand')
            then i.outcome end as found_later,
        r.restored
    from talk.request r left join talk.intent i on i.id = r.intent
"""

_LINK = """
    with event as (
        select h.id, h.division, h.at, h.run, h.subject, h.cluster_id, h.entity, h.key, h.rule,
            h.kind = 'person' as by_hand, h.kind = 'person' and h.rule = 'unlink' as ends,
            h.detail ->> 'who' as who, h.detail ->> 'other' as other
        from talk.history h
        where h.kind = 'link' or h.kind = 'person' and (
            h.rule = 'link' or h.rule = 'unlink' and h.detail ->> 'were_linked' = 'true')
    ),
    followed as (
        select e.*, lead(e.id) over w as next_id, lead(e.at) over w as next_at, lead(e.run) over w as next_run,
            lead(e.by_hand) over w as next_by_hand, lead(e.ends) over w as next_ends, lead(e.who) over w as next_who,
            lead(e.other) over w as next_other, lead(e.cluster_id) over w as next_cluster
        from event e window w as (partition by e.division, e.entity, e.key order by e.id)
    )
    select f.division, f.id, f.at as linked_at, f.run, f.subject, f.cluster_id, split_part(f.entity, '.', 1) as system,
        f.entity, f.key,
        case when f.by_hand then 'person'
            when f.rule in ('insert', 'insert found after an interruption') then 'insert'
            when f.rule = 'clusters joined' then 'joined'
            else 'criterion' end as origin,
        case when not f.by_hand then f.rule end as criterion,
        f.who, f.other as linked_with,
        (select string_agg(o.entity || '/' || o.key, ', ' order by o.entity, o.key) from talk.member o
            where o.cluster_id = f.cluster_id and o.deleted_at is null and (o.entity, o.key) <> (f.entity, f.key)
        ) as others,
        case when f.next_id is not null then f.next_at
            when m.cluster_id <> f.cluster_id then case when c.created_at >= f.at then c.created_at end
            else m.deleted_at end as unlinked_at,
        case when f.next_ends then 'person'
            when f.next_id is not null then case when f.next_cluster = f.cluster_id then 'linked anew' else 'moved' end
            when m.cluster_id <> f.cluster_id then 'moved'
            when m.deleted_at is not null then case m.origin when 'deleted' then 'deleted by us' else 'gone' end
        end as unlinked_how,
        case when f.next_ends then f.next_who end as unlinked_by,
        case when f.next_ends then f.next_other end as unlinked_from,
        case when f.next_id is not null then f.next_run
            when m.cluster_id <> f.cluster_id and c.created_at >= f.at then c.created_run end as unlinked_run
    from followed f
    left join talk.member m using (division, entity, key)
    left join talk.cluster c on c.id = m.cluster_id
    where not f.ends
        -- What an order of a person did to carry it out is not told twice.
        and not coalesce(f.next_by_hand and not f.next_ends and not f.by_hand and f.next_run = f.run, false)
"""

_DIVISION = "Administration of Exact that the row belongs to."
_SUBJECT = "What it is about: organisation, person, product, sales_document, sales_line."
_CLUSTER = "Number of the cluster, that is of the records that are the same thing."

# Name to query, meaning, and meanings of the columns.
_VIEWS: dict[str, tuple[str, str, dict[str, str]]] = {
    "change": (
        _CHANGE,
        "Every change that was accepted: which value was agreed on, whose it was, over what, by which rule.",
        {
            "division": _DIVISION,
            "id": "Number of the row in talk.history; empty for a first value, which has none.",
            "at": "When it was decided.",
            "run": "Run that decided.",
            "subject": _SUBJECT,
            "cluster_id": _CLUSTER,
            "property": "Canonical name of the property, as in the mappings.",
            "kind": "first: nothing was agreed before; changed: the agreed value became another; overruled: a value "
            "that somebody had set lost, a row for each loser.",
            "before": "Value that was agreed before; empty when there was none.",
            "after": "Value that was agreed on; empty when the property was cleared.",
            "source": "System that the agreed value came from: customerp or exact.",
            "winner": "Record that the agreed value came from, as entity/key.",
            "winner_changed_at": "When the winner had changed in its system, as far as that tells.",
            "winner_read_at": "When the winner was read.",
            "winner_read_run": "Run that read the winner.",
            "loser": "Record whose value was overruled, as entity/key; empty when nobody lost.",
            "loser_value": "Value that was overruled; empty also when the loser had cleared the property.",
            "loser_changed_at": "When the loser had changed in its system, as far as that tells.",
            "loser_read_at": "When the loser was read.",
            "rule": "Rule that decided: first, one of the mappings' rules, resolve or undo.",
            "who": "Person who decided, of resolve and undo.",
            "undone_run": "Run that was undone, of undo.",
        },
    ),
    "write": (
        _WRITE,
        "Every write that was asked of a system: what was sent, when, and what was answered.",
        {
            "division": _DIVISION,
            "id": "Grows in the order of sending.",
            "sent_at": "When it was noted, right before it was sent.",
            "answered_at": "When the answer was stored; empty while none is known.",
            "run": "Run that wrote.",
            "subject": _SUBJECT,
            "cluster_id": "Number of the cluster that was owed the write.",
            "system": "customerp or exact.",
            "entity": "Kind of record, as exact.accounts.",
            "key": "Key of the record; empty for a create without an answer.",
            "document": "Of a line: key of its document.",
            "operation": "create, update, delete, or archive (a delete that sets a property instead).",
            "values": "What was sent, under the system's own names, as canonical text; null clears. A JSON object.",
            "lines": "Of a document that was created: its lines, in the same form. A JSON array.",
            "status": "HTTP status of the answer; empty without an answer.",
            "outcome": "done; refused; changed: the record was no longer what the write was planned from, or gone; "
            "failed: for now, tried again; denied: a right is missing; unknown: no answer is known.",
            "words": "What was said when it was not done.",
            "found_later": "What was found out later about a write that was not answered.",
            "restored": "Whether the row was made from talk.history when this table came: then names are canonical, "
            "both times are those of storing, and writes that were not done are missing.",
        },
    ),
    "link": (
        _LINK,
        "Every link of a record to the records that are the same: how it came to be, and how it ended.",
        {
            "division": _DIVISION,
            "id": "Number of the row in talk.history.",
            "linked_at": "When the record was linked.",
            "run": "Run or order that linked it.",
            "subject": _SUBJECT,
            "cluster_id": _CLUSTER,
            "system": "customerp or exact.",
            "entity": "Kind of record, as exact.accounts.",
            "key": "The record's own key.",
            "origin": "criterion: a merge criterion; insert: we created the record; person: by hand; joined: with its "
            "cluster, when two became one.",
            "criterion": "The criterion's properties, or in other words how it came to be; empty for person.",
            "who": "Person who linked, of person.",
            "linked_with": "The other record that the person named, as entity/key.",
            "others": "The records that are in the cluster today, without this one, as entity/key.",
            "unlinked_at": "When the link ended; empty while it stands.",
            "unlinked_how": "person; gone: the record was removed in its system; deleted by us; moved: to another "
            "cluster; linked anew: another row goes on.",
            "unlinked_by": "Person who unlinked.",
            "unlinked_from": "The record that the person said it is not, as entity/key.",
            "unlinked_run": "Run or order that unlinked, or moved; empty for what was found in the system.",
        },
    ),
}


def upgrade() -> None:
    """Add the table, fill it with the writes that history knows, and make the views."""
    op.create_table(
        "request",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True, comment="Grows in the order of sending."),
        sa.Column("division", sa.Text, nullable=False, comment="Administration of Exact that the row belongs to."),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("cluster_id", sa.BigInteger, nullable=False),
        sa.Column("entity", sa.Text, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("key", sa.Text, comment="Record that is written; of a create known from the answer on."),
        sa.Column("document", sa.Text, comment="Of a line: key of its document."),
        sa.Column(
            "values",
            JSONB,
            nullable=False,
            comment="What is sent, under the system's own names, as canonical text; null clears.",
        ),
        sa.Column("lines", JSONB, comment="Of a document that is created: what is sent of its lines."),
        sa.Column("intent", UUID(as_uuid=True), comment="Its note in talk.intent; a deletion has none."),
        sa.Column("sent_at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column(
            "answered_at", TIMESTAMP(timezone=True), comment="When the answer was stored; empty while none is known."
        ),
        sa.Column("status", sa.Integer, comment="HTTP status of the answer."),
        sa.Column("outcome", sa.Text, comment="done, refused, changed, failed or denied; empty while not known."),
        sa.Column("words", sa.Text, comment="What was said when it was not done."),
        sa.Column(
            "restored",
            sa.Boolean,
            nullable=False,
            server_default=sa.text("false"),
            comment="Whether it was made from history: then names are canonical, and the time is that of storing.",
        ),
        sa.CheckConstraint("operation in ('create', 'update', 'delete', 'archive')", name="operation"),
        sa.CheckConstraint("outcome in ('done', 'refused', 'changed', 'failed', 'denied')", name="outcome"),
        schema="talk",
        comment="Every write that was asked of a system: what was sent, and what was answered.",
    )
    op.execute(
        "insert into talk.request (division, run, subject, cluster_id, entity, operation, key, values, sent_at, "
        "  answered_at, status, outcome, restored) "
        "select division, run, subject, cluster_id, entity, rule, key, "
        "  coalesce(jsonb_object_agg(property, after) filter (where property is not null), '{}'), at, at, "
        "  nullif(max(status), 0), 'done', true "
        "from talk.history "
        "where kind = 'write' and rule in ('create', 'update', 'delete', 'archive') and cluster_id is not null "
        "group by division, run, subject, cluster_id, entity, rule, key, at order by min(id)"
    )
    # Rows come in the order of time, so that a few bytes per range of pages find a period.
    op.create_index("request_sent_at_idx", "request", ["sent_at"], schema="talk", postgresql_using="brin")
    op.create_index("history_at_idx", "history", ["at"], schema="talk", postgresql_using="brin")
    op.execute("create schema if not exists audit")
    op.execute(_commented("schema audit", "What an auditor asks: changes, writes and links. See docs/audit.md."))
    for name, (query, meaning, columns) in _VIEWS.items():
        # A colon before a word would be taken for a parameter.
        op.execute(sa.text(f"create view audit.{name} as {query}".replace(":", "\\:")))
        op.execute(_commented(f"view audit.{name}", meaning))
        for column, words in columns.items():
            op.execute(_commented(f'column audit.{name}."{column}"', words))


def _commented(what: str, words: str) -> sa.TextClause:
    literal = words.replace("'", "''").replace(":", "\\:")
    return sa.text(f"comment on {what} is '{literal}'")
