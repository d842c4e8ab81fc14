"""The report in Traditional Chinese, as written in Taiwan."""

from helpers.experiments.record_codes import CODE_CHANGED, CODE_UNKNOWN
from tools.report.answers import Answer, Page, Table, joined, signed, span
from tools.report.facts import (
    AttemptFacts,
    DataFacts,
    LabelFacts,
    Line,
    Numbers,
    StrategyFacts,
    TailFacts,
)

AXES = {
    "gain": "影像 AUROC 相對於基準的增益，附 95 % 信賴區間",
    "shots": "每種瑕疵的標註影像數",
    "auroc": "影像 AUROC",
    "alone": "單張影像所需毫秒數",
}
NAMES = {
    "Baseline autoencoder": "基準自編碼器",
    "ResNet18 to pixels": "ResNet18 重建像素",
    "ResNet18 features": "ResNet18 特徵",
    "CutPaste": "CutPaste",
    "CutPaste, patch-wise": "CutPaste（局部區塊）",
    "SSIM, multi-scale, skips": "SSIM、多尺度、跳躍連接",
    "PatchCore": "PatchCore",
    "Contrastive memory": "對比學習記憶庫",
    "FastFlow": "FastFlow",
    "Student–teacher": "學生與教師網路",
    "GAN": "GAN",
    "Diffusion": "擴散模型",
    "CutPaste, made-up defects": "CutPaste（虛構瑕疵）",
    "CutPaste, drawn defects": "CutPaste（生成瑕疵）",
    "Long tail": "長尾資料",
    "plain": "一般訓練",
    "class-balanced sampling": "類別平衡抽樣",
    "class weights": "類別加權",
    "focal loss": "focal loss",
    "logit adjustment": "logit 調整",
    "mixup": "mixup",
    "Balanced-MixUp": "Balanced-MixUp",
    "good": "良品",
    "crack": "裂痕",
    "cut": "切口",
    "hole": "孔洞",
    "print": "印痕",
    "hazelnut": "榛果",
    "grid": "網格",
    "generated": "程式生成",
    "own pictures": "自有影像",
    "COCO, polygons": "COCO，多邊形",
    "COCO, run lengths": "COCO，遊程編碼",
    "YOLO, polygons": "YOLO，多邊形",
    "Pascal VOC, indexed PNG": "Pascal VOC，索引 PNG",
    "YOLO, boxes": "YOLO，邊界框",
    CODE_UNKNOWN: "未註明產生它的程式版本",
    CODE_CHANGED: "比產生它的程式還舊",
}
REASONS = {
    "Baseline autoencoder": "難以重建之處正好就是受損之處",
    "ResNet18 to pixels": "編碼器帶來少量影像教不會的知識",
    "ResNet18 features": "它在凍結網路的特徵上比較差異",
    "CutPaste": "一處異常便使整張影像看來不同",
    "CutPaste, patch-wise": "它逐塊細看，並以人造損傷訓練",
    "SSIM, multi-scale, skips": "它學的是修復，而被修復的正是損傷",
}
SHOWN = ("CutPaste", "PatchCore", "Contrastive memory", "FastFlow", "Student–teacher", "GAN",
         "Diffusion")  # fmt: skip


def name_of(english: str) -> str:
    """Return a name in Chinese, or as it is when it has none."""
    return NAMES.get(english, english)


def page(numbers: Numbers) -> Page:
    """Return the report's text, every number of it from ``numbers``."""
    n = numbers
    return Page(
        language="zh-TW",
        title="一顆壞榛果：工業影像異常偵測",
        line=(
            f"資料：{name_of(n.data.category)}（{name_of(n.data.source)}），設定檔「{n.profile}」。"
            "文中數字皆取自文末所列的實驗紀錄。"
        ),
        question="第 {number} 題　{title}（{points} 分）",
        answers=(
            _data(n.data),
            _attempts(n.attempts, n.data),
            _tail(n.tail),
            _strategies(n.strategies, n.data),
            _labels(n.labels),
        ),
        sources_title="數字出處",
        sources=_sources(n),
        caveat=_caveat(n),
    )


def _data(d: DataFacts) -> Answer:
    kinds = [kind for kind in d.test if kind != "good"]
    least, middle, most = (f"{100 * value:.1f}" for value in d.area)
    if len(d.sizes) == 1:
        ((width, height, mode),) = d.sizes
        sizes = f"全部都是 {width} × {height} 像素，色彩模式 {mode}"
    else:
        sizes = f"共有 {len(d.sizes)} 種不同的尺寸或色彩模式"
    counts = "、".join(f"{name_of(kind)} {d.test[kind]} 張" for kind in kinds)
    return Answer(
        title="認識資料",
        summary=(
            f"本類別（{name_of(d.category)}，{name_of(d.source)}）共有 {d.train + d.tested} 張影像："
            f"訓練集 {d.train} 張全為良品；測試集 {d.tested} 張，其中良品 {d.good} 張、瑕疵品 "
            f"{d.defective} 張（{counts}）。因此模型只能學「正常」的樣子，評估之前從未見過瑕疵。"
            f"我們讀取了所有檔案的標頭，{sizes}。每個瑕疵都有遮罩，合計 {d.regions} 個連通區域，"
            f"占瑕疵影像面積的 {least} % 到 {most} %，中位數為 {middle} %；若對整張影像取平均，"
            f"小瑕疵就會被淹沒。準確率會誤導人：一律回答「有瑕疵」，在此測試集就有 "
            f"{100 * d.defective / d.tested:.1f} % 正確。所以我們採用 AUROC 並附上拔靴法信賴區間，"
            f"畢竟只有 {d.good} × {d.defective} 組配對。一張完全不看影像、只是中央較亮的異常圖，"
            f"像素 AUROC 就有 {d.blind_auroc:.2f}。閾值只由保留的良品影像決定。"
        ),
        table=Table(
            ("類別", *map(name_of, d.test), "合計"),
            (
                ("訓練", *(str(d.train) if k == "good" else "0" for k in d.test), str(d.train)),
                ("測試", *map(str, d.test.values()), str(d.tested)),
            ),
        ),
        captions={"data": "各類別的測試影像各一張，輪廓線為瑕疵遮罩的邊界。"},
    )


def _attempts(a: AttemptFacts, d: DataFacts) -> Answer:
    by_name = {line.name: line for line in a.lines}
    baseline, best = a.lines[0], by_name[a.best]
    worst = min(a.lines, key=lambda line: line.auroc)
    if a.best == baseline.name:
        lead = "沒有任何嘗試超過它"
    else:
        gain, interval = a.gains[a.best]
        lead = (
            f"最佳者「{name_of(best.name)}」達到 {best.auroc:.3f}，在相同影像上的增益為 "
            f"{signed(gain)}，信賴區間 {signed(interval.low)} 到 {signed(interval.high)}"
        )
    return Answer(
        title="四種嘗試，以及最佳者為何最佳",
        summary=(
            f"所有嘗試都使用相同的 {d.train} 張良品影像訓練，以相同的 {d.tested} 張測試影像評估，"
            f"並以 {a.seeds} 個亂數種子重複；一律採用最後一個訓練週期，不挑最好的。基準自編碼器的影像 "
            f"AUROC 為 {baseline.auroc:.3f}。{lead}。可能的原因：{REASONS[a.best]}。相對於基準的 "
            f"{len(a.gains)} 個增益中，有 {len(a.proven)} 個無法僅以測試影像的偶然性解釋。最低的是"
            f"「{name_of(worst.name)}」，{worst.auroc:.3f}。最容易的瑕疵是{name_of(a.easiest)}，"
            f"最難的是{name_of(a.hardest)}；閾值設定為二十張良品誤報一張時，{d.defective} 張瑕疵影像中有 "
            f"{a.escaped} 張被所有嘗試漏檢。各嘗試異常圖的 AUPRO 介於 "
            f"{min(line.aupro for line in a.lines):.3f} 與 {max(line.aupro for line in a.lines):.3f} "
            f"之間。換一種產品，贏家可能不同；應依不容漏檢的瑕疵來選擇。"
        ),
        table=_lines(a.lines, numbered=True),
        captions={"attempts": "在相同測試影像上，各嘗試相對於基準的增益。"},
    )


def _lines(lines: tuple[Line, ...], numbered: bool) -> Table:
    return Table(
        ("嘗試" if numbered else "方法", "影像 AUROC", "95 % 信賴區間", "像素 AUROC", "AUPRO",
         "誤報率", "漏檢率"),
        tuple(
            (
                f"{line.number} {name_of(line.name)}" if numbered else name_of(line.name),
                f"{line.auroc:.3f} ± {line.spread:.3f}",
                span(line.interval),
                f"{line.pixel:.3f}",
                f"{line.aupro:.3f}",
                f"{line.false_alarms:.1%}",
                f"{line.missed:.1%}",
            )
            for line in lines
        ),
    )  # fmt: skip


def _tail(t: TailFacts) -> Answer:
    gain, low, high = t.gains["Balanced-MixUp"]
    if t.winner == "Balanced-MixUp":
        others = "沒有其他方法比它更好"
    else:
        others = f"「{name_of(t.winner)}」更好，達 {t.accuracy[t.winner]:.3f}"
    if t.ahead:
        turn = f"每種瑕疵少於 {t.ahead} 張時，從未看過瑕疵的偵測器也一樣好"
    elif t.levels:
        turn = f"每種瑕疵即使多到 {t.shots[-1]} 張，從未看過瑕疵的偵測器也一樣好"
    else:
        turn = "單類別偵測器則完全不需要"
    return Answer(
        title="長尾資料",
        summary=(
            f"少數類別占了大多數樣本，就稱為長尾資料：此處良品有 {t.counts[0]} 張，最少的瑕疵只有 "
            f"{t.counts[-1]} 張，不平衡係數為 {t.factor:.0f}。我們選用 Balanced-MixUp（Galdran、"
            f"Carneiro 與 González Ballester，MICCAI 2021）：一個批次依影像抽樣，另一個依類別抽樣，"
            f"再以混合後的影像訓練，後者占比 λ ~ Beta({t.alpha}, 1)。罕見影像因此經常出現（多半很淡），且從不重複。"
            f"以 {t.judged} 張新影像評估，平衡準確率由 {t.accuracy['plain']:.3f} {_moves(gain)} "
            f"{t.accuracy['Balanced-MixUp']:.3f}（{signed(gain)}，{t.seeds} 個種子的信賴區間為 "
            f"{signed(low)} 到 {signed(high)}），校準誤差由 {t.error['plain']:.3f} "
            f"{_moves(t.error['Balanced-MixUp'] - t.error['plain'])} {t.error['Balanced-MixUp']:.3f}。{others}。混合需要有標註的瑕疵，因此無法只用良品訓練偵測器；"
            f"{turn}。所以工廠應先採用單類別偵測器，收集並標註被攔下的零件，日後再加入分類器。"
        ),
        table=Table(
            ("方法", "平衡準確率", "相對於一般訓練的增益", "95 % 信賴區間", "校準誤差"),
            tuple(
                (
                    name_of(name),
                    f"{t.accuracy[name]:.3f}",
                    *(
                        (signed(t.gains[name][0]),
                         f"{signed(t.gains[name][1])} 到 {signed(t.gains[name][2])}")
                        if name in t.gains else ("", "")
                    ),
                    f"{t.error[name]:.3f}",
                )
                for name in t.accuracy
            ),
        ),
        captions={
            "tail": "標註瑕疵的效益：在測試影像上判斷良品或瑕疵；水平線為從未看過瑕疵的偵測器。",
        },
    )  # fmt: skip


def _moves(change: float) -> str:
    return "升至" if change > 0 else "降至"


def _strategies(s: StrategyFacts, d: DataFacts) -> Answer:
    shown = "、".join(f"{name_of(name)} {s.line(name).auroc:.2f}" for name in SHOWN)
    return Answer(
        title="只用良品影像訓練",
        summary=(
            f"只看得到良品的偵測器，必須說明何謂「正常」：自編碼器、GAN 與擴散模型重建它，記憶庫儲存它，標準化流學習其機率"
            f"密度，學生網路模仿教師；CutPaste 則製造出不正常的樣子。在相同的 {d.tested} "
            f"張影像上，影像 AUROC 為：基準自編碼器 {s.line('Baseline autoencoder').auroc:.2f}、"
            f"{shown}。「{name_of(s.best.name)}」最佳，另有 {len(s.level)} 種方法在此無法與它區分。"
            f"PatchCore 與 FastFlow 都不是模仿學習：前者是記憶庫，後者是密度模型。由良品決定的閾值攔下 "
            f"{s.false_alarms:.0%} 的良品，預期為 {s.expected:.0%}。"
        ),
        table=_lines(s.lines, numbered=False),
        captions={"strategies": "品質（附 95 % 信賴區間）與單張影像所需時間。"},
    )


def _labels(f: LabelFacts) -> Answer:
    exact = [name for name, (masks, whole, _) in f.trips.items() if masks == whole]
    boxes = f.trips["YOLO, boxes"][2]
    masks = f.trips["YOLO, boxes"][0]
    return Answer(
        title="物件偵測與分割所需的資料",
        summary=(
            f"要找出並描繪損傷的模型，必須先被告知損傷在哪裡。{f.pictures} 張影像的遮罩可得 "
            f"{f.objects} 個物件，分屬 {len(f.classes)} 個類別，每個連通區域算一個。標註前先寫下兩條規則"
            f"（小於 {f.least_area} 像素者不計；相距 {f.join_within} 像素以內者合併），則剩下 "
            f"{f.joined} 個。邊界框寫成 COCO、Pascal VOC 與 YOLO 格式，輪廓存為多邊形或遊程編碼，"
            f"再交給開放詞彙偵測器或 SAM。讀回之後，{len(f.trips)} 種寫法中有 {len(exact)} 種能完全還原 "
            f"{masks} 張遮罩；只留邊界框並填滿，平均 IoU 僅 {boxes:.2f}。標準答案與自身比對，AP 為 "
            f"{f.self_ap:.2f}；若輪廓簡化兩個像素，完美模型的 AP 上限只剩 {f.capped_ap:.2f}。"
            f"所有標註瑕疵都在測試集裡：取 {f.parts['train']} 張訓練、{f.parts['val']} 張驗證，兩者不重複；"
            f"由此得到的數字，不可與單類別偵測器的結果並列。" + _trained(f)
        ),
        table=Table(
            ("格式", "遮罩", "完全還原", "平均 IoU"),
            tuple(
                (name_of(name), str(masks), str(exact), f"{mean:.3f}")
                for name, (masks, exact, mean) in f.trips.items()
            ),
        ),
        captions={"labels": "套用兩條規則之後，各物件的邊界框。"},
    )


def _trained(f: LabelFacts) -> str:
    reached = {
        "boxes": "每種瑕疵標註 {labels} 張其他影像，偵測器的 AP50 為 {value}。",
        "masks": "標註 {labels} 張時，分割模型的平均 IoU 為 {value}。",
    }
    return "".join(
        reached[o.task].format(labels=o.labels, value=f"{o.value:.3f}") for o in f.trained
    )


def _sources(n: Numbers) -> tuple[str, ...]:
    folders = sorted({file.rsplit("/", 1)[0] for file in n.files})
    codes = "、".join(f"{name_of(k)} {code[:8] or '不明'}" for k, code in n.codes.items())
    return (
        f"{len(n.files)} 份紀錄，位於 {joined(folders, ' 與 ', '、')}；影像指紋 "
        f"{n.fingerprint[:8]}。第 1 題的數字由檔案統計，第 5 題由遮罩計算。",
        f"程式指紋：{codes}。",
        f"軟體版本：{'、'.join(n.versions)}；執行環境：{'、'.join(n.machines)}。",
    )


def _caveat(n: Numbers) -> str:
    parts = [f"{len(files)} 份紀錄{name_of(what)}" for what, files in n.caveats.items()]
    return f"注意：{'；'.join(parts)}。這些紀錄的數字可能已經過時。" if parts else ""
