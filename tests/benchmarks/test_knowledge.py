"""The set of questions that hit rates are measured with."""

from benchmarks.knowledge import documents, questions

from trunkline.resources.knowledge.chunking import cut


def test_each_answer_is_in_one_document_and_whole_in_a_passage() -> None:
    texts = documents()
    assert len(texts) == 12
    asked = questions()
    assert len({each.question for each in asked}) == len(asked) >= 40
    for each in asked:
        [holding] = [text for text in texts.values() if each.answer in text]
        assert any(each.answer in passage for passage in cut(holding)), each
